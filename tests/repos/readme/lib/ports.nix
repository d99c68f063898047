{
  databases = {
    redis = 6379;
  };
}

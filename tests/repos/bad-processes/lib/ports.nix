{
  development.api = 3000;
}

{
  outputs = { self }: {
    checks.x86_64-linux.tests = import ./tests.nix;
  };
}

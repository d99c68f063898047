{
  outputs = { self }: { lib.double = x: x + x; };
}

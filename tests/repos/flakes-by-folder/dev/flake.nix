{
  inputs.root.url = "path:..";
  outputs = { root, ... }: { inherit (root) packages; };
}

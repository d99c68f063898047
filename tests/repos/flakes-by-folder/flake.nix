{
  inputs = {
    nixpkgs.follows = "hub/nixpkgs";
    hub.url = "github:example/hub";
    tool = {
      url = "github:example/tool";
      inputs = {
        utils.follows = "";
      };
    };
    loop.url = "github:example/loop";
  };

  outputs = _: { };
}

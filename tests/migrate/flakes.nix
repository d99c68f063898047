# Evaluates the outputs of a flake and returns them as plain data. flake-parts, flake-utils and nixpkgs' library are the
# real ones. Every other input, and every package, is a stand-in that records its path and its arguments: equal
# expressions have equal results, and different ones have different results.
{
  # The folders of checkouts of nixpkgs.lib, flake-parts, and flake-utils.
  nixpkgs,
  flakeParts,
  flakeUtils,
  # The folder of the flake.
  flake,
  # The attributes that stand-ins have, because a Nix set cannot have every attribute.
  names,
  # `names` for the names of the outputs, or else the path of the value to show.
  what,
  # Whether functions are shown by their results for stand-ins.
  applied ? true,
}:
let
  systems = [
    "aarch64-darwin"
    "aarch64-linux"
    "x86_64-darwin"
    "x86_64-linux"
  ];
  realLib = import (nixpkgs + "/lib");
  marked = lib: lib // { __path = "lib"; };
  lib = marked realLib // {
    nixosSystem = standIn "lib.nixosSystem";
    nixos = standIn "lib.nixos";
  };
  known = lib.genAttrs (names ++ systems) (name: name);

  digest = value: builtins.substring 0 16 (builtins.hashString "sha256" (builtins.toJSON value));

  # `nixpkgs.lib // other.lib` must keep the functions of the former.
  libraryOf = path: removeAttrs (standIn path) (builtins.attrNames realLib);

  standIn =
    path:
    builtins.mapAttrs (name: _: standIn "${path}.${name}") known
    // {
      __path = path;
      __functor = _: argument: standIn "${path}(${digest (show argument)})";
      type = "derivation";
      name = "name of ${path}";
      pname = "name of ${path}";
      version = "1.0";
      outPath = "/stand-in/${path}";
      drvPath = "/stand-in/${path}.drv";
      outputs = [ "out" ];
      outputName = "out";
      meta = {
        mainProgram = "main";
        platforms = systems;
      };
    };

  packages =
    args:
    let
      system = args.system or args.localSystem.system or args.localSystem or "no system";
      platform = standIn "platform(${system})" // {
        inherit system;
        isLinux = lib.hasSuffix "-linux" system;
        isDarwin = lib.hasSuffix "-darwin" system;
        isx86_64 = lib.hasPrefix "x86_64-" system;
        isAarch64 = lib.hasPrefix "aarch64-" system;
        isStatic = false;
      };
      # `legacyPackages` is defined by `import nixpkgs { inherit system; }`.
      rest = removeAttrs args [ "system" ];
      path = "pkgs(${system}${if rest == { } then "" else ", ${digest (show rest)}"})";
      base = _: standIn path // {
        inherit lib system;
        stdenv = standIn "${path}.stdenv" // {
          inherit system;
          inherit (platform) isLinux isDarwin isx86_64 isAarch64;
          hostPlatform = platform;
          buildPlatform = platform;
          targetPlatform = platform;
        };
        hostPlatform = platform;
        buildPlatform = platform;
        extend = overlay: packages (args // { overlays = args.overlays or [ ] ++ [ overlay ]; });
      };
      # The packages that the overlay of another flake defines are unknown.
      overlays = builtins.filter builtins.isFunction (args.overlays or [ ]);
    in
    lib.fix (lib.foldl' (lib.flip lib.extends) base overlays);

  urlOf = input: lib.toLower (input.url or "${input.owner or ""}/${input.repo or ""}");
  inputOf =
    name: input:
    let
      url = urlOf input;
      isA = part: lib.hasInfix part url;
      plain = standIn "inputs.${name}" // {
        _type = "flake";
        lib = libraryOf "inputs.${name}.lib";
        inputs = { };
      };
    in
    if isA "nix-systems/" || name == "systems" then
      { outPath = toString ./systems; __path = "inputs.${name}"; }
    else if isA "hercules-ci/flake-parts" || name == "flake-parts" then
      (import (flakeParts + "/flake.nix")).outputs {
        nixpkgs-lib = { inherit lib; };
        self.inputs = { };
      }
      // { _type = "flake"; __path = "inputs.${name}"; outPath = toString flakeParts; }
    else if isA "numtide/flake-utils" || name == "flake-utils" then
      {
        lib = import (flakeUtils + "/lib.nix") { defaultSystems = systems; };
        _type = "flake";
        __path = "inputs.${name}";
        outPath = toString flakeUtils;
      }
    else if isA "nixpkgs.lib" then
      plain // { inherit lib; }
    else if isA "nixos/nixpkgs" || lib.hasPrefix "nixpkgs" name then
      plain
      // {
        inherit lib;
        # The imported value is a function of the arguments.
        outPath = toString ./nixpkgs;
        # flakeward: allow(for-all-systems) a stand-in for nixpkgs, which defines this without flake-parts
        legacyPackages = lib.genAttrs (systems ++ [ "i686-linux" "armv7l-linux" "armv6l-linux" "riscv64-linux" ]) (
          system: packages { inherit system; }
        );
      }
    else
      plain // { outPath = toString ./any; };

  source = scopedImport scope (flake + "/flake.nix");
  # `import nixpkgs` reads a path. Files are imported with the same scope, since they may also import nixpkgs.
  scope = {
    import =
      given:
      let
        path = toString given;
      in
      if lib.hasSuffix "/nixpkgs" path && lib.hasPrefix (toString ./.) path then
        packages
      else if path == toString ./systems then
        systems
      else if lib.hasPrefix (toString ./any) path || lib.hasPrefix "/stand-in/" path || lib.hasPrefix (toString ./nixpkgs) path then
        standIn "import ${path}"
      else
        scopedImport scope given;
  };

  declared = source.inputs or { };
  formals = builtins.functionArgs source.outputs;
  inputs = builtins.mapAttrs inputOf (
    builtins.mapAttrs (_: _: { }) (removeAttrs formals [ "self" ])
    // builtins.mapAttrs (_: input: if builtins.isAttrs input then input else { }) declared
  );
  outputs = source.outputs (inputs // { inherit self; });
  self = {
    outPath = toString flake;
    __path = "self";
    _type = "flake";
    inherit inputs outputs;
    sourceInfo = { };
    rev = "0123456789012345678901234567890123456789";
    shortRev = "0123456";
    lastModified = 1;
    lastModifiedDate = "20260101000000";
  } // outputs;

  # The module that flake-parts wraps in others, which name its file and class.
  wrapped =
    value:
    if value ? _class && value ? _file && value ? imports then
      builtins.head (builtins.head (builtins.head value.imports).imports).imports
    else
      null;

  show = showTo 9;
  showTo =
    depth: value:
    let
      next = showTo (depth - 1);
      type = builtins.typeOf value;
      function =
        if !applied then
          "function"
        else
          let
            formals = builtins.functionArgs value;
          in
          {
            function = builtins.attrNames formals;
            gives = next (value (if formals == { } then standIn "argument" else builtins.mapAttrs (name: _: argument name) formals));
          };
      argument = name: if name == "lib" then lib else if name == "pkgs" then packages { } else standIn name;
    in
    if depth == 0 then
      "more"
    else if type == "set" then
      value.__path or (
        if wrapped value != null then
          next (wrapped value)
        else if value ? type && value.type == "derivation" then
          "derivation ${builtins.unsafeDiscardStringContext value.drvPath}"
        else
          # The migration adds and removes the inputs of helpers, and flake-parts adds `meta` to every app.
          builtins.mapAttrs (_: next) (
            removeAttrs value (
              [ "flake-utils" "flake-parts" "utils" ] ++ lib.optional (value ? program && value.meta or null == { }) "meta"
            )
          )
      )
    else if type == "list" then
      map next value
    else if type == "lambda" then
      function
    else if type == "path" then
      toString value
    else if type == "string" then
      builtins.unsafeDiscardStringContext value
    else
      value;

  isSystem = name: builtins.match "[a-z0-9_]+-(linux|darwin|freebsd|windows|none)" name != null;
  isPlainSet = value: builtins.isAttrs value && !(value ? __path) && (value.type or null) != "derivation";
  namesOf =
    depth: value:
    if depth > 0 && isPlainSet value then
      builtins.mapAttrs (_: namesOf (depth - 1)) (if value ? program then removeAttrs value [ "meta" ] else value)
    else
      null;
in
if what == [ ] then
  # The names of the attributes for each system.
  builtins.mapAttrs (
    _: value:
    if isPlainSet value then
      builtins.mapAttrs (name: member: if isSystem name then namesOf 1 member else null) value
    else
      null
  ) outputs
else
  show (lib.getAttrFromPath what outputs)

# Deploy single host
nix run nixpkgs#colmena -- apply --on cloud-nixos

# Deploy all hosts
nix run nixpkgs#colmena -- apply

# Parallel deployment with streaming evaluator
nix run nixpkgs#colmena -- apply --evaluator streaming

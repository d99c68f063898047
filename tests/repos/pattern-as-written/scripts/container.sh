# Build container
nix build .#container-api

# Load into Docker (local testing)
./result | docker load

# Push directly to registry
nix run .#container-api.copyToRegistry -- docker://ghcr.io/org/api:latest

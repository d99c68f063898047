# Start all dev services
nix run .#dev
# or
just dev

# Start with TUI
nix run .#dev -- --tui

# Start minimal stack
nix run .#minimal

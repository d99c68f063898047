//! Python build systems and their packages.

/// Build systems, as pyproject.toml names them, with their attributes in `python3Packages`.
pub const BUILD_SYSTEMS: [(&str, &str); 11] = [
    ("setuptools", "setuptools"),
    ("setuptools-scm", "setuptools-scm"),
    ("wheel", "wheel"),
    ("hatchling", "hatchling"),
    ("hatch-vcs", "hatch-vcs"),
    ("flit-core", "flit-core"),
    ("poetry-core", "poetry-core"),
    ("poetry", "poetry-core"),
    ("pdm-backend", "pdm-backend"),
    ("uv-build", "uv-build"),
    ("cython", "cython"),
];

//! How programs read their settings, according to the documentation of languages, frameworks and libraries: the calls
//! that read variables, their defaults, and the names of the files.

/// Folders in which package managers and compilers keep their files in a project.
pub const DEPENDENCIES: [&str; 12] = [
    ".gradle",
    ".mypy_cache",
    ".next",
    ".nuxt",
    ".pytest_cache",
    ".venv",
    "__pycache__",
    "bower_components",
    "deps",
    "node_modules",
    "target",
    "venv",
];

/// The suffixes of the paths of folders in which package managers keep downloads.
pub const CACHES: [&str; 10] = [
    "/.cache",
    "/.cache/pip",
    "/.cargo/registry",
    "/.m2",
    "/.npm",
    "/.pnpm-store",
    "/go/pkg",
    "/go/pkg/mod",
    "/usr/local/bundle",
    "/usr/local/cargo/registry",
];

/// The extensions of source files, and of files with properties of Java programs.
pub const SOURCE_ENDS: [&str; 17] = [
    "js",
    "ts",
    "mjs",
    "cjs",
    "py",
    "go",
    "rs",
    "rb",
    "tsx",
    "jsx",
    "php",
    "ex",
    "exs",
    "java",
    "kt",
    "cs",
    "properties",
];

/// Settings that Rails reads as templates with code.
pub const RAILS_FILES: [&str; 5] = ["cable.yml", "database.yml", "mongoid.yml", "redis.yml", "sidekiq.yml"];

/// Folders that contain tests, other projects or the results of a build.
pub const NOT_SEARCHED: [&str; 9] =
    ["node_modules", "target", "vendor", "test", "tests", "venv", "dist", "__pycache__", "site-packages"];

/// Words in the names of files that are examples of others: `.env.example`, `app.json.dist`.
pub const EXAMPLES: [&str; 4] = ["example", "sample", "template", "dist"];

/// Variables other than PORT for the port that a program listens on.
pub const OWN_PORTS: [&str; 10] = [
    "APP_PORT",
    "SERVER_PORT",
    "API_PORT",
    "HTTP_PORT",
    "WEB_PORT",
    "LISTEN_PORT",
    "APPLICATION_PORT",
    "BACKEND_PORT",
    "NODE_PORT",
    "SERVICE_PORT",
];

/// How source code reads the variable PORT.
pub const PORT_READS: [&str; 12] = [
    "process.env.PORT",
    "environ[\"PORT\"]",
    "environ['PORT']",
    "environ.get(\"PORT\"",
    "environ.get('PORT'",
    "getenv(\"PORT\"",
    "getenv('PORT'",
    "Getenv(\"PORT\")",
    "LookupEnv(\"PORT\")",
    "var(\"PORT\")",
    "ENV['PORT']",
    "ENV[\"PORT\"]",
];

/// Calls in Go that pass the variable PORT to a server as its address.
pub const ADDRESS_READS: [&str; 4] = [
    "Listen(os.Getenv(\"PORT\")",
    "ListenAndServe(os.Getenv(\"PORT\")",
    ".Run(os.Getenv(\"PORT\")",
    ".Start(os.Getenv(\"PORT\")",
];

/// Calls that make a server listen and take its port or address, up to their arguments: Node.js, Go, and Flask.
pub const SERVER_CALLS: [&str; 4] = [".listen(", ".Listen(", "ListenAndServe(", "app.run("];

/// The calls whose port may also follow the host or the kind of network. Sources: the documentation of Flask's `run`,
/// and of Go's `net.Listen`.
pub const HOST_FIRST_CALLS: [&str; 2] = ["app.run(", "net.Listen("];

/// Parts of calls that make a server listen, in lower case.
pub const LISTENING_CALLS: [&str; 5] = ["listen", ".run(", "serve(", "bind(", "bind_addr"];

/// Regular expressions for the forms in which programs read a variable with a default. They capture the name (`n`) and
/// the default (`v`). Python, Go, PHP and Elixir; python-decouple; JavaScript; Ruby; schemas of Zod, Joi and envalid;
/// convict; tags of Go's structures; Rust; clap; Spring. Ports also have defaults without quotes.
pub const VARIABLE_FORMS: [&str; 19] = [
    r#"(?i)(?:get_?env\w*|environ\.get|\benv(?:\.(?:str|string|get|url|db|db_url|cache|cache_url))?)\(\s*["'](?<n>\w+)["']\s*,\s*(?:default\s*=\s*)?["'](?<v>[^"'\n]*)["']"#,
    r#"(?i)(?:get_?env\w*|environ\.get|\benv)\(\s*["'](?<n>\w+)["']\s*\)\s*(?:\?:|\?\?|\|\||\bor\b)\s*["'](?<v>[^"'\n]*)["']"#,
    // In other languages, `config` reads settings with names in lower case.
    r#"\bconfig\(\s*["'](?<n>[A-Z][A-Z0-9_]*)["']\s*,\s*(?:default\s*=\s*)?["'](?<v>[^"'\n]*)["']"#,
    r#"process\.env\.(?<n>\w+)\s*(?:\|\||\?\?)\s*["'`](?<v>[^"'`\n]*)["'`]"#,
    r#"ENV\.fetch\(\s*["'](?<n>\w+)["']\s*(?:,|\)\s*\{)\s*["'](?<v>[^"'\n]*)["']"#,
    r#"ENV\[\s*["'](?<n>\w+)["']\s*\]\s*(?:\|\||\?\?|\?:)\s*["'](?<v>[^"'\n]*)["']"#,
    r#"\b(?<n>[A-Z][A-Z0-9_]+)\s*:\s*(?:z|[Jj]oi|[Yy]up|v|t)\.[^\n,]{0,200}\.default\(\s*["'](?<v>[^"'\n]*)["']"#,
    r#"\b(?<n>[A-Z][A-Z0-9_]+)\s*:\s*(?:str|host|url)\(\s*\{[^{}]{0,200}default:\s*["'](?<v>[^"'\n]*)["']"#,
    r#"default:\s*["'](?<v>[^"'\n]*)["'][^{}]{0,200}\benv:\s*["'](?<n>\w+)["']"#,
    r#"\benv:\s*["'](?<n>\w+)["'][^{}]{0,200}\bdefault:\s*["'](?<v>[^"'\n]*)["']"#,
    r#"\benv(?:config)?:"(?<n>\w+)[^"`\n]*"\s+(?:env-default|envDefault|default):"(?<v>[^"\n]*)""#,
    r#"\bvar\(\s*"(?<n>\w+)"\s*\)\s*\.unwrap_or(?:_else)?\(\s*(?:\|\w*\|\s*)?(?:String::from\(\s*)?"(?<v>[^"\n]*)""#,
    r#"\benv\s*=\s*"(?<n>\w+)"[^\n\]]{0,200}default_value\s*=\s*"(?<v>[^"\n]*)""#,
    r#"\bdefault_value\s*=\s*"(?<v>[^"\n]*)"[^\n\]]{0,200}\benv\s*=\s*"(?<n>\w+)""#,
    r#"@Value\(\s*"\$\{(?<n>[\w.-]+):(?<v>[^}"\n]*)\}"#,
    r"\$\{(?<n>\w+):(?<v>[^}\n]*)\}",
    r#"(?i)(?:get_?env\w*|environ\.get|\benv(?:\.(?:int|get))?)\(\s*["'](?<n>\w*PORT\w*)["']\s*,\s*(?:default\s*=\s*)?(?<v>\d{2,5})\b"#,
    r"process\.env\.(?<n>\w*PORT\w*)\s*(?:\|\||\?\?)\s*(?<v>\d{2,5})\b",
    r#"ENV\.fetch\(\s*["'](?<n>\w*PORT\w*)["']\s*(?:,|\)\s*\{)\s*(?<v>\d{2,5})\b"#,
];

/// A string field in a Python class. In Pydantic settings, the variable with the field's name in capitals overrides the
/// default.
pub const FIELD_FORM: &str = r#"(?m)^[ \t]+(?<n>\w+)[ \t]*:[\w.\[\]| \t]*(?:str|Str|Dsn|Url)\b[\w.\[\]| \t]*=\s*(?:Field\(\s*(?:default\s*=\s*)?)?["'](?<v>[^"'\n]*)["']"#;

/// Text that may precede a default in source code.
pub const BEFORE_DEFAULTS: [&str; 18] = [
    "default=",
    "default =",
    "default:",
    "default(",
    "Default(",
    "default_value=",
    "default_value =",
    "unwrap_or(",
    "|_|",
    "String::from(",
    "??",
    "||",
    "?:",
    "str =",
    "String =",
    "str] =",
    "None =",
    "Field(",
];

/// Names that may appear between a variable and its default: types, and functions that read or check the variable.
pub const AROUND_DEFAULTS: [&str; 22] = [
    "ENV",
    "Field",
    "Joi",
    "Optional",
    "String",
    "env",
    "environ",
    "field",
    "get",
    "getenv",
    "joi",
    "min",
    "optional",
    "process",
    "required",
    "str",
    "string",
    "trim",
    "type",
    "unwrap_or",
    "unwrap_or_else",
    "var",
];

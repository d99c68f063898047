//! nginx: its directives and the files of its package. From its documentation and the image's Dockerfile.

/// Directives that the generated module sets itself, or that only apply in the image.
pub const OWN: [&str; 13] = [
    "user",
    "pid",
    "daemon",
    "error_log",
    "access_log",
    "worker_processes",
    "client_body_temp_path",
    "proxy_temp_path",
    "fastcgi_temp_path",
    "scgi_temp_path",
    "uwsgi_temp_path",
    "load_module",
    "types_hash_bucket_size",
];

/// Directives that name a file, relative to the configuration file's folder.
pub const FROM_CONFIGURATION: [&str; 14] = [
    "auth_basic_user_file",
    "geoip_country",
    "proxy_ssl_certificate",
    "proxy_ssl_certificate_key",
    "proxy_ssl_trusted_certificate",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_client_certificate",
    "ssl_crl",
    "ssl_dhparam",
    "ssl_password_file",
    "ssl_session_ticket_key",
    "ssl_stapling_file",
    "ssl_trusted_certificate",
];

/// Directives whose argument is a folder of files to serve.
pub const SERVED: [&str; 2] = ["root", "alias"];

/// Directives that name another server, in addition to `server` in an `upstream`.
pub const PASSES: [&str; 6] = ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"];

/// Files in the folder `conf` of the package, which the image has in `/etc/nginx`.
pub const SHIPPED: [&str; 7] =
    ["fastcgi.conf", "fastcgi_params", "scgi_params", "uwsgi_params", "koi-utf", "koi-win", "win-utf"];

/// The folder of the image's configuration.
pub const FOLDER: &str = "/etc/nginx";

/// The folder that the image serves by default.
pub const HTML: &str = "/usr/share/nginx/html";

/// The server in the image's default configuration.
pub const DEFAULT_SERVER: &str = "server {\n  listen 80;\n  location / {\n    root /usr/share/nginx/html;\n    index index.html index.htm;\n  }\n}\n";

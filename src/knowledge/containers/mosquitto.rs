//! Mosquitto, the MQTT broker: its configuration file and the paths in its image.

/// The configuration file that the image reads by default.
pub const USUAL: &str = "/mosquitto/config/mosquitto.conf";

/// A file in the image that allows connections without a password, as Mosquitto does without a configuration file.
pub const WITHOUT_PASSWORD: &str = "/mosquitto-no-auth.conf";

/// The folder of the image's data.
pub const DATA: &str = "/mosquitto/data";

/// Directives that name a file or a folder. From mosquitto.conf(5).
pub const NAMES_FILE: [&str; 17] = [
    "acl_file",
    "bridge_cafile",
    "bridge_capath",
    "bridge_certfile",
    "bridge_keyfile",
    "cafile",
    "capath",
    "certfile",
    "crlfile",
    "dhparamfile",
    "http_dir",
    "include_dir",
    "keyfile",
    "password_file",
    "plugin",
    "auth_plugin",
    "psk_file",
];

/// Prefixes of the directives that pass an option to a plugin.
pub const OF_PLUGINS: [&str; 2] = ["auth_opt_", "plugin_opt_"];

/// Directives that have no meaning outside of the container: the process runs as you, in the foreground.
pub const OF_IMAGE: [&str; 3] = ["user", "pid_file", "bind_interface"];

//! The scripts that prepare WordPress.

/// The script that copies WordPress into its data folder, followed by another script.
macro_rules! wordpress {
    ($after:expr) => {
        concat!(
            r#"if [ ! -e {data}/wp-config.php ]; then
  cp -R --no-preserve=mode {wordpress}/share/wordpress/. {data} || exit 1
  printf "<?php return '%s';\n" "$(head -c 48 /dev/urandom | base64 -w 0)" > {data}/wp-seed.php || exit 1
  cat > {data}/wp-config.new.php <<'EOF' || exit 1
<?php
$path = fn($file) => $file[0] === '/' ? $file : getenv('PWD') . "/$file";
$read = fn($variable) => getenv($variable) ?: (
  getenv($variable . "_FILE") ? trim(file_get_contents($path(getenv($variable . "_FILE")))) : ''
);
$setting = fn($name, $default) => $read("WORDPRESS_$name") ?: $default;
$is_bitnami = (bool) preg_grep('/^WORDPRESS_DATABASE_/', array_keys(getenv()));
$database = fn($name, $default, $of_bitnami) => $is_bitnami
  ? $setting("DATABASE_$name", $of_bitnami)
  : $setting("DB_$name", $default);
$port = $setting('DATABASE_PORT_NUMBER', '');
define('DB_NAME', $database('NAME', 'wordpress', 'bitnami_wordpress'));
define('DB_USER', $database('USER', 'root', 'bn_wordpress'));
define('DB_PASSWORD', $database('PASSWORD', '', ''));
define('DB_HOST', $database('HOST', '127.0.0.1', '127.0.0.1') . ($port === '' ? '' : ":$port"));
define('DB_CHARSET', $setting('DB_CHARSET', 'utf8mb4'));
define('DB_COLLATE', $setting('DB_COLLATE', ''));
$seed = require __DIR__ . '/wp-seed.php';
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $kind)
  foreach (['KEY', 'SALT'] as $end)
    define($kind . "_$end", $setting($kind . "_$end", hash_hmac('sha256', $kind . "_$end", $seed)));
define('WP_DEBUG', (bool) $setting('DEBUG', ''));
$table_prefix = $setting('TABLE_PREFIX', 'wp_');
if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') $_SERVER['HTTPS'] = 'on';
eval($setting($is_bitnami ? 'EXTRA_WP_CONFIG_CONTENT' : 'CONFIG_EXTRA', ''));
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
EOF
  mv {data}/wp-config.new.php {data}/wp-config.php || exit 1
fi
"#,
            $after
        )
    };
}

/// Copies WordPress into its data folder, where it installs plugins and keeps uploads, with settings that read the
/// variables of the image. PHP's server runs in that folder, but paths in variables are relative to the folder in which
/// it is started. Sources: `wp-config-docker.php` in <https://github.com/docker-library/wordpress>, and the variables
/// in <https://github.com/bitnami/containers/tree/main/bitnami/wordpress>.
pub const WORDPRESS: &str = wordpress!("");

/// [`WORDPRESS`], and the image's configuration of PHP's FastCGI server, which listens only on 127.0.0.1 here.
pub const WORDPRESS_FPM: &str = wordpress!(
    r"printf '%s\n' '[global]' 'error_log = /dev/stderr' '[www]' 'listen = 127.0.0.1:{9000}' 'pm = dynamic' \
  'pm.max_children = 5' 'pm.start_servers = 2' 'pm.min_spare_servers = 1' 'pm.max_spare_servers = 3' \
  'clear_env = no' 'catch_workers_output = yes' > {data}/php-fpm.conf
"
);

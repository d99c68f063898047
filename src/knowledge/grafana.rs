//! Grafana's configuration.

/// Sections of Grafana's configuration whose names contain a dot or an underscore, from `conf/defaults.ini` in its
/// versions, and `auth.saml` from Grafana Enterprise.
pub const SECTIONS: [&str; 61] = [
    "annotations.api",
    "annotations.dashboard",
    "auth.anonymous",
    "auth.azuread",
    "auth.basic",
    "auth.extended_jwt",
    "auth.generic_oauth",
    "auth.github",
    "auth.gitlab",
    "auth.google",
    "auth.grafana_com",
    "auth.grafananet",
    "auth.jwt",
    "auth.ldap",
    "auth.okta",
    "auth.proxy",
    "auth.saml",
    "cloud_migration",
    "dashboard_previews.crawler",
    "date_formats",
    "external_image_storage",
    "external_image_storage.azure_blob",
    "external_image_storage.gcs",
    "external_image_storage.local",
    "external_image_storage.s3",
    "external_image_storage.webdav",
    "feature_management",
    "feature_toggles",
    "grafana_com",
    "grafana_net",
    "log.console",
    "log.file",
    "log.frontend",
    "log.syslog",
    "metrics.environment_info",
    "metrics.graphite",
    "navigation.app_sections",
    "navigation.app_standalone_pages",
    "plugin.grafana-image-renderer",
    "public_dashboards",
    "query_history",
    "remote.alertmanager",
    "remote_cache",
    "secure_socks_datasource_proxy",
    "security.encryption",
    "server.custom_response_headers",
    "service_accounts",
    "smtp.static_headers",
    "sso_settings",
    "support_bundles",
    "tracing.jaeger",
    "tracing.opentelemetry",
    "tracing.opentelemetry.jaeger",
    "tracing.opentelemetry.otlp",
    "unified_alerting",
    "unified_alerting.reserved_labels",
    "unified_alerting.screenshots",
    "unified_alerting.state_history",
    "unified_alerting.state_history.annotations",
    "unified_alerting.state_history.external_labels",
    "unified_alerting.upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_sorted_and_contain_a_dot_or_an_underscore() {
        assert!(SECTIONS.is_sorted());
        assert!(SECTIONS.iter().all(|name| name.contains(['.', '_'])));
    }
}

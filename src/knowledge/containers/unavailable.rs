//! Images that neither services-flake nor nixpkgs can replace, and why. From the nixpkgs 26.05 package set and the
//! images' own documentation.

use super::is_one_of;

const NO_PACKAGE: &str = "nixpkgs has no package for it";
const DOCKER: &str = "it manages Docker containers, which the new stack does not have";
const KEEP: &str = "keep running it in Docker, and publish its ports on 127.0.0.1";
const REMOVE: &str = "remove it: process-compose shows, starts and restarts processes itself";

/// Repositories of images as for [`super::ServiceImage`], why nothing replaces them, and what to do.
const IMAGES: &[(&[&str], &str, &str)] = &[
    (
        &[
            "portainer/portainer",
            "portainer/portainer-ce",
            "portainer/portainer-ee",
            "portainer/agent",
            "containrrr/watchtower",
            "nickfedor/watchtower",
            "amir20/dozzle",
            "willfarrell/autoheal",
            "lazyteam/lazydocker",
            "pyouroboros/ouroboros",
        ],
        DOCKER,
        REMOVE,
    ),
    (
        &[
            "lucaslorentz/caddy-docker-proxy",
            "wemakeservices/caddy-gen",
            "nginxproxy/nginx-proxy",
            "nginxproxy/acme-companion",
            "jwilder/nginx-proxy",
            "tecnativa/docker-socket-proxy",
        ],
        DOCKER,
        "write the routes into the Caddy or nginx configuration",
    ),
    (
        &["woodpeckerci/woodpecker-agent", "drone/agent", "drone/drone-runner-docker", "gitea/act_runner"],
        "it runs each step of a pipeline in a Docker container",
        KEEP,
    ),
    (
        &[
            "devcontainers/base",
            "devcontainers/universal",
            "devcontainers/python",
            "devcontainers/javascript-node",
            "devcontainers/typescript-node",
            "devcontainers/go",
            "devcontainers/rust",
            "devcontainers/java",
            "devcontainers/dotnet",
            "devcontainers/php",
            "devcontainers/ruby",
            "devcontainers/cpp",
        ],
        "it is a development container",
        "list its tools in a development shell in the flake: `devShells.default`",
    ),
    (
        &["redis-cluster"],
        "services-flake's redis-cluster service starts all nodes of a cluster together",
        "replace all nodes with one `services.redis-cluster.<name>`",
    ),
    (
        &["paperless-ngx/paperless-ngx", "paperlessngx/paperless-ngx"],
        "the image starts a web server, a consumer, a worker and a scheduler, which are separate processes outside it",
        "write a process for each with `pkgs.paperless-ngx`, as the NixOS module `services.paperless` does",
    ),
    (
        &[
            "debezium/example-postgres",
            "debezium/example-mysql",
            "debezium/example-mysql-master",
            "debezium/example-mysql-replica",
            "debezium/example-mariadb",
            "debezium/example-mongodb",
        ],
        "its database contains data that only the image has",
        "write the data into a schema file for a services-flake service",
    ),
    (&["docker"], "Docker in Docker needs Docker", "run its containers as processes"),
    (&["localstack/localstack", "localstack/localstack-pro"], "nixpkgs' localstack starts a Docker container", KEEP),
    (
        &["linuxserver/wireguard", "kylemanna/openvpn", "qmcgaw/gluetun"],
        "a VPN changes the machine's network, which requires root",
        "configure it on the machine",
    ),
    (
        &["temporalio/ui"],
        "Temporal's development server serves the same pages",
        "remove it, and open the UI port of the Temporal server",
    ),
    (&["kibana"], "nixpkgs removed Kibana", KEEP),
    (&["mssql/server", "azure-sql-edge", "mssql-tools"], "nixpkgs has no Microsoft SQL Server", KEEP),
    (
        &["database/free", "database/express", "gvenzl/oracle-xe", "gvenzl/oracle-free"],
        "nixpkgs has no Oracle Database",
        KEEP,
    ),
    (&["icr.io/db2_community/db2", "ibmcom/db2"], NO_PACKAGE, KEEP),
    (
        &[
            "kong",
            "phpmyadmin",
            "mongo-express",
            "rediscommander/redis-commander",
            "redis/redisinsight",
            "provectuslabs/kafka-ui",
            "kafbat/kafka-ui",
            "obsidiandynamics/kafdrop",
            "hlebalbau/kafka-manager",
            "greenmail/standalone",
            "confluentinc/cp-schema-registry",
            "confluentinc/cp-kafka-connect",
            "confluentinc/cp-server-connect",
            "confluentinc/cp-kafka-rest",
            "confluentinc/cp-ksqldb-server",
            "confluentinc/cp-ksqldb-cli",
            "confluentinc/ksqldb-server",
            "confluentinc/ksqldb-cli",
            "confluentinc/cp-enterprise-control-center",
            "confluentinc/cp-enterprise-control-center-next-gen",
            "cnfldemos/cp-server-connect-datagen",
            "cnfldemos/kafka-connect-datagen",
            "debezium/connect",
            "debezium/server",
            "infinispan/server",
            "sonarqube",
            "elastic/apm-server",
            "apm/apm-server",
            "enterprise-search/enterprise-search",
            "apicurio/apicurio-registry-mem",
            "confluentinc/cp-ksql-server",
            "confluentinc/cp-ksql-cli",
            "landoop/schema-registry-ui",
            "gitlab/gitlab-ce",
            "gitlab/gitlab-ee",
            "mockserver/mockserver",
            "hasura/graphql-engine",
            "browserless/chrome",
            "selenium/hub",
            "selenium/standalone-chrome",
            "selenium/standalone-firefox",
            "cypress/included",
            "opensearchproject/opensearch-dashboards",
            "solr",
            "arangodb",
            "rethinkdb",
            "ghost",
            "odoo",
            "joomla",
            "drupal",
            "bytemark/smtp",
            "boky/postfix",
        ],
        NO_PACKAGE,
        KEEP,
    ),
];

/// Why nothing replaces an image, and what to do. `None` for images that are not in the list.
pub fn unavailable(image: &str) -> Option<(&'static str, &'static str)> {
    IMAGES.iter().find(|(images, _, _)| is_one_of(image, images)).map(|(_, why, todo)| (*why, *todo))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unavailable_images_have_reasons() {
        for (image, expected) in [
            ("kibana:7.16.1", Some("nixpkgs removed Kibana")),
            ("docker.elastic.co/kibana/kibana:8.1", Some("nixpkgs removed Kibana")),
            ("portainer/portainer-ce:alpine", Some(DOCKER)),
            ("mcr.microsoft.com/mssql/server:2022-latest", Some("nixpkgs has no Microsoft SQL Server")),
            ("mcr.microsoft.com/azure-sql-edge:1.0.4", Some("nixpkgs has no Microsoft SQL Server")),
            ("postgres", None),
            ("acme/web", None),
        ] {
            assert_eq!(unavailable(image).map(|(why, _)| why), expected, "{image}");
        }
    }
}

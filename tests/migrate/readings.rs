//! Sources, names and lines that are easily misread: what follows from them is carried over or reported, and nothing is
//! reported that does not follow from them.

use crate::reports::Repo;

#[test]
fn the_source_of_a_copied_build_product_is_searched() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  java: {build: ./java}\n  \
                   node: {build: ./node, ports: [\"3000:3000\"]}\n  only: {build: ./only}\n";
    let java = "FROM eclipse-temurin:17\nARG JAR=target/*.jar\nCOPY ${JAR} app.jar\nCMD [\"java\", \"-jar\", \"/app.jar\"]\n";
    let node = "FROM node:22\nWORKDIR /app\nCOPY package.json ./\nCOPY dist ./dist\nCMD [\"node\", \"dist/a.js\"]\n";
    let only = "FROM node:22\nWORKDIR /app\nCOPY a.js yarn.lock* .env ./\nCMD [\"node\", \"a.js\"]\n";
    let client = "connect(\"postgres://db:5432/x\"); app.listen(process.env.PORT || 3000)\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("java/Dockerfile", java),
        ("java/pom.xml", "<project/>"),
        ("java/src/main/resources/application.properties", "spring.datasource.url=jdbc:postgresql://db:5432/x\n"),
        ("node/Dockerfile", node),
        ("node/package.json", "{}"),
        ("node/src/a.ts", client),
        ("only/Dockerfile", only),
        ("only/a.js", ""),
        ("only/other/b.js", client),
    ])
    .left("services.java.source", "application.properties")
    .left("services.node.source", "node/src/a.ts")
    .not_left("services.node.ports.3000", "unknown how")
    .not_left("services.only.source", "");
}

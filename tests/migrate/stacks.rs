//! Running stacks: each is migrated, evaluated with the real modules, started by the real process-compose, queried on
//! the ports in its registry, and stopped. Redis, PostgreSQL, nginx and Python come from the machine.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::evaluate::{Modules, migrate, repository};
use crate::tools::have;

/// How long a stack may take to answer or to stop.
const PATIENCE: Duration = Duration::from_secs(90);

/// A web application that responds with the answers of other services.
const WEB: &str = r#"import os, socket, subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer

def redis():
    with socket.create_connection((os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])), 5) as s:
        s.sendall(b"PING\r\n")
        return s.recv(100).decode().strip()

def postgres():
    query = ["psql", os.environ["DATABASE_URL"], "-Atc", "select name from items"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()

def mariadb():
    login = ["--protocol=tcp", "-h", os.environ["DB_HOST"], "-P", os.environ["DB_PORT"], "-u", "shop"]
    query = ["mysql", "--no-defaults", *login, "-p" + os.environ["DB_PASSWORD"], "shop", "-Nse", "select name from items"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()

def redis_url():
    ping = ["redis-cli", "-u", os.environ["REDIS_URL"], "ping"]
    return subprocess.run(ping, capture_output=True, text=True, check=True).stdout.strip()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = [os.environ.get("NAME", "web"), self.path]
        parts += [redis()] if "REDIS_HOST" in os.environ else []
        parts += [mariadb()] if "DB_HOST" in os.environ else []
        parts += [redis_url()] if "REDIS_URL" in os.environ else []
        parts += [postgres()] if "DATABASE_URL" in os.environ else []
        self.send_response(200)
        self.end_headers()
        self.wfile.write(" ".join(parts).encode())

HTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
"#;

const DOCKERFILE: &str =
    "FROM python:3.12-slim\nWORKDIR /app\nCOPY app.py .\nEXPOSE 8000\nCMD [\"python\", \"app.py\"]\n";

/// A running process-compose, which is stopped when the value is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// A folder with links to this machine's programs, laid out like a nixpkgs package.
fn programs() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("bin")).unwrap();
    fs::create_dir_all(folder.path().join("etc/nginx")).unwrap();
    fs::write(folder.path().join("etc/nginx/mime.types"), "types { text/html html; }\n").unwrap();
    let mut places: Vec<PathBuf> = ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin"].map(PathBuf::from).to_vec();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    places.splice(0..0, versions.map(|version| version.path().join("bin")));
    let names = [
        "redis-server",
        "redis-cli",
        "postgres",
        "initdb",
        "psql",
        "pg_ctl",
        "pg_isready",
        "createdb",
        "nginx",
        "python3",
        "bash",
        "sh",
        "cat",
        "mkdir",
        "realpath",
    ];
    for name in names {
        let found = places.iter().map(|place| place.join(name)).find(|path| path.exists());
        let found = found.unwrap_or_else(|| panic!("{name} is not installed"));
        symlink(found, folder.path().join("bin").join(name)).unwrap();
    }
    // Only one stack needs these programs, so they may be missing.
    for name in ["mysqld", "mysql", "mysqladmin", "mysql_install_db", "mariadbd", "my_print_defaults", "resolveip"] {
        if let Some(found) = places.iter().map(|place| place.join(name)).find(|path| path.exists()) {
            symlink(found, folder.path().join("bin").join(name)).unwrap();
        }
    }
    symlink("bin", folder.path().join("sbin")).unwrap();
    fs::create_dir_all(folder.path().join("share")).unwrap();
    symlink("/usr/share/mysql", folder.path().join("share/mysql")).unwrap();
    open_to_all(folder.path());
    folder
}

fn open_to_all(folder: &Path) {
    let changed = Command::new("chmod").args(["-R", "a+rwX"]).arg(folder).status().unwrap();
    assert!(changed.success());
}

/// A stack that has been migrated and started.
struct Stack {
    running: Option<Running>,
    root: TempDir,
    _modules: Modules,
    _programs: TempDir,
}

impl Stack {
    /// Migrates and starts the files. `None` if a required tool is missing.
    fn start(files: &[(&str, &str)]) -> Option<Self> {
        let modules = Modules::find()?;
        if !have(&["process-compose", "redis-server", "nginx", "python3", "psql"]) {
            return None;
        }
        let (root, programs) = (repository(files), programs());
        let projects = migrate(root.path(), &["compose.yaml"]);
        let [(project, module)] = projects.as_slice() else { panic!("{projects:?}") };
        let found = modules.processes_at(module, project, programs.path());
        let found = found.unwrap_or_else(|error| panic!("{error}\n{}", fs::read_to_string(module).unwrap()));
        let configuration = root.path().join("process-compose.json");
        fs::copy(found["file"].as_str().unwrap(), &configuration).unwrap();
        fs::set_permissions(&configuration, fs::Permissions::from_mode(0o644)).unwrap();
        open_to_all(root.path());
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o777)).unwrap();
        // MariaDB ignores world-writable configuration files.
        let changed = Command::new("chmod").args(["-R", "a+rX,go-w"]).arg(modules.store()).status().unwrap();
        assert!(changed.success());
        let log = fs::File::create(root.path().join("log")).unwrap();
        let mut command = as_plain_user("process-compose");
        command.args(["up", "-f", "process-compose.json", "-t=false", "--no-server"]).current_dir(root.path());
        command.env("HOME", root.path()).env("PATH", path(programs.path())).env("USER", "nobody");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let running = Some(Running(command.spawn().unwrap()));
        Some(Self { running, root, _modules: modules, _programs: programs })
    }

    /// Queries a port until it answers as expected.
    fn expect(&self, port: u16, page: &str, expected: &str) {
        let start = Instant::now();
        loop {
            let found = get(port, page).unwrap_or_else(|error| error.to_string());
            if found.ends_with(expected) {
                return;
            }
            if start.elapsed() > PATIENCE {
                panic!("{port}{page} returned {found}\n{}\n{}", self.log(), self.module());
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.root.path().join("log")).unwrap()
    }

    fn module(&self) -> String {
        fs::read_to_string(self.root.path().join("flake/process-compose.nix")).unwrap()
    }

    /// The number of an entry in the written registry.
    fn port(&self, name: &str) -> u16 {
        let registry = fs::read_to_string(self.root.path().join("lib/ports.nix")).unwrap();
        let line = registry.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_prefix('='));
        line.and_then(|number| number.trim().trim_end_matches(';').parse().ok())
            .unwrap_or_else(|| panic!("{name}: {registry}"))
    }

    /// Stops the stack, waits until it has exited, and checks that nothing answers on the ports.
    fn stop(mut self, ports: &[u16]) {
        let mut running = self.running.take().unwrap();
        let asked = Command::new("kill").arg(running.0.id().to_string()).status().unwrap();
        assert!(asked.success());
        let start = Instant::now();
        while running.0.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "the stack does not stop\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        for port in ports {
            assert!(TcpStream::connect(("127.0.0.1", *port)).is_err(), "{port} still answers");
        }
    }
}

/// A command that runs as an unprivileged user, because PostgreSQL refuses to run as root.
fn as_plain_user(program: &str) -> Command {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file()).unwrap();
    if !is_root {
        return Command::new(found);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(found);
    command
}

fn path(programs: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs.join("bin")).chain(std::env::split_paths(&path));
    std::env::join_paths(all).unwrap()
}

fn get(port: u16, page: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {page} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn a_web_application_connects_to_redis() {
    let compose = "services:\n  web:\n    build: ./web\n    ports: [\"18080:8000\"]\n    environment:\n      REDIS_HOST: cache\n      REDIS_PORT: 6379\n    \
        depends_on:\n      cache: {condition: service_healthy}\n  cache:\n    image: redis:7-alpine\n    ports: [\"16379:6379\"]\n    \
        command: redis-server --appendonly yes\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n";
    let files = [("compose.yaml", compose), ("web/Dockerfile", DOCKERFILE), ("web/app.py", WEB)];
    let Some(stack) = Stack::start(&files) else { return };
    let (web, redis) = (stack.port("web"), stack.port("cache"));
    assert_eq!((web, redis), (18080, 16379));
    stack.expect(web, "/x", "web /x +PONG");
    stack.stop(&[web, redis]);
}

#[test]
fn a_web_application_reads_rows_from_a_postgresql_init_script() {
    let compose = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_USER: shop\n      POSTGRES_PASSWORD: secret-word\n      POSTGRES_DB: shop\n    \
        ports: [\"15432:5432\"]\n    volumes:\n      - ./init.sql:/docker-entrypoint-initdb.d/init.sql:ro\n      - data:/var/lib/postgresql/data\n  web:\n    build: web\n    \
        ports: [\"18081:8000\"]\n    environment:\n      DATABASE_URL: postgresql://shop:secret-word@db:5432/shop\n    depends_on:\n      db:\n        \
        condition: service_healthy\nvolumes:\n  data:\n";
    let init = "CREATE TABLE items (name text);\nINSERT INTO items VALUES ('a ''quoted'' $name');\n";
    let files = [("compose.yaml", compose), ("web/Dockerfile", DOCKERFILE), ("web/app.py", WEB), ("init.sql", init)];
    let Some(stack) = Stack::start(&files) else { return };
    let (web, database) = (stack.port("web"), stack.port("db"));
    assert_eq!((web, database), (18081, 15432));
    stack.expect(web, "/", "web / a 'quoted' $name");
    assert!(!stack.module().contains("secret-word"), "{}", stack.module());
    stack.stop(&[web, database]);
}

#[test]
fn nginx_forwards_requests_to_two_services() {
    let compose = "services:\n  front:\n    image: nginx:1.27-alpine\n    ports: [\"18082:80\"]\n    volumes: [\"./proxy/site.conf:/etc/nginx/conf.d/default.conf:ro\"]\n    \
        depends_on: [one, two]\n  one:\n    build: ./web\n    environment: [NAME=one]\n  two:\n    build: ./web\n    environment: [NAME=two]\n    healthcheck:\n      \
        test: curl -f http://localhost:8000/ || exit 1\n      interval: 2s\n      start_period: 20s\n";
    let site = "upstream two { server two:8000; }\nserver {\n  listen 80;\n  location /one/ { proxy_pass http://one:8000/; }\n  \
        location /two/ {\n    proxy_pass http://two/;\n  }\n}\n";
    let files =
        [("compose.yaml", compose), ("web/Dockerfile", DOCKERFILE), ("web/app.py", WEB), ("proxy/site.conf", site)];
    let Some(stack) = Stack::start(&files) else { return };
    let proxy = stack.port("front");
    assert_eq!(proxy, 18082);
    stack.expect(proxy, "/one/a", "one /a");
    stack.expect(proxy, "/two/b", "two /b");
    let services = [stack.port("one"), stack.port("two")];
    stack.stop(&[proxy, services[0], services[1]]);
}

#[test]
fn databases_accept_the_passwords_that_clients_send() {
    let compose = "services:\n  db:\n    image: mariadb:10.11\n    environment:\n      MARIADB_ROOT_PASSWORD: root-word\n      MARIADB_DATABASE: shop\n      \
        MARIADB_USER: shop\n      MARIADB_PASSWORD: \"${DB_PASSWORD:-it's-word}\"\n    ports: [\"13306:3306\"]\n    \
        volumes: [\"./schema.sql:/docker-entrypoint-initdb.d/schema.sql:ro\"]\n    healthcheck: {test: [CMD, healthcheck.sh, --connect]}\n  cache:\n    image: redis:7\n    \
        command: [redis-server, --requirepass, cache-word, --maxmemory, 32mb]\n    ports: [\"16380:6379\"]\n  web:\n    build: ./web\n    \
        ports: [\"18083:8000\"]\n    environment:\n      DB_HOST: db\n      DB_PORT: 3306\n      DB_PASSWORD: \"${DB_PASSWORD:-it's-word}\"\n      \
        REDIS_URL: redis://default:cache-word@cache:6379/0\n    depends_on:\n      db: {condition: service_healthy}\n      cache: {condition: service_healthy}\n";
    if !have(&["mysql", "mysqladmin"]) {
        return;
    }
    let schema = "CREATE TABLE items (name text);\nINSERT INTO items VALUES ('a book');\n";
    let files =
        [("compose.yaml", compose), ("web/Dockerfile", DOCKERFILE), ("web/app.py", WEB), ("schema.sql", schema)];
    let Some(stack) = Stack::start(&files) else { return };
    let (web, database, cache) = (stack.port("web"), stack.port("db"), stack.port("cache"));
    assert_eq!((web, database, cache), (18083, 13306, 16380));
    stack.expect(web, "/", "web / a book PONG");
    for secret in ["root-word", "it's-", "cache-word"] {
        assert!(!stack.module().contains(secret), "{secret}: {}", stack.module());
    }
    stack.stop(&[web, database, cache]);
}

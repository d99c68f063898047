use super::*;
use crate::lang::dockerfile::Dockerfile;

#[test]
fn commands_are_grouped_by_how_they_are_migrated() {
    let text = "FROM debian\nWORKDIR /app\nRUN apt-get update && apt-get install -y git libodd && rm -rf /var/lib/apt\n\
                RUN <<E\nuseradd -m -s /bin/sh web\nmkdir -p data\nE\nRUN npm ci && npm run build\nRUN cd srv && go build -o bin/x .\n\
                RUN pip install -r requirements.txt gunicorn\nRUN chown -R web:web /app && make all\n\
                ARG NAME=worker\nARG TOOLS=\"jq zip\"\nRUN useradd -u 1500 ${NAME} && useradd $LOST && apt-get install $TOOLS\n";
    let frame = Frame::of(&Dockerfile::read(text).unwrap(), 0);
    let recipe = Recipe::of(&frame);
    assert_eq!(recipe.packages, [("git", 3), ("jq", 14), ("zip", 14)]);
    assert_eq!(recipe.unknown, [("libodd".to_owned(), 3)]);
    assert_eq!(recipe.users, [("web".to_owned(), 4), ("worker".to_owned(), 14)]);
    assert_eq!(recipe.ids, [("worker".to_owned(), 1500)]);
    let files: Vec<_> = recipe.files.iter().map(|file| (file.script.as_str(), file.line)).collect();
    assert_eq!(files, [("mkdir -p $out/app/data", 4)]);
    let tools: Vec<_> = recipe.builds.iter().map(|build| build.tool.clone()).collect();
    assert_eq!(
        tools,
        [
            Tool::Node(Manager::Npm, None),
            Tool::Node(Manager::Npm, Some("build".into())),
            Tool::Go(GoBuild::of(["-o", "/app/srv/bin/x", "."]))
        ]
    );
    assert_eq!(recipe.requirements.len(), 2);
    assert_eq!(recipe.owners, [("/app".to_owned(), "web:web".to_owned(), 11)]);
    assert_eq!(recipe.holes, [("make all".to_owned(), 11), ("useradd ${LOST}".to_owned(), 14)]);
}

#[test]
fn shell_patterns_are_expanded_or_reported() {
    let text = "FROM debian\nRUN mkdir -p /d/{a,b} && touch /d/?\nSHELL [\"/bin/bash\", \"-c\"]\n\
                RUN mkdir -p /e/{a,b}/{c,d} && chmod +x /app/[ab].sh && mkdir /f/{1..3} '/g a'\n";
    let recipe = Recipe::of(&Frame::of(&Dockerfile::read(text).unwrap(), 0));
    let files: Vec<&str> = recipe.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["/e/a/c", "/e/a/d", "/e/b/c", "/e/b/d", "/g a"]);
    let holes: Vec<&str> = recipe.holes.iter().map(|(hole, _)| hole.as_str()).collect();
    assert_eq!(holes, ["mkdir -p /d/{a,b}", "touch /d/?", "chmod -R +x /app/[ab].sh", "mkdir -p /f/{1..3}"]);
    let paths = |base: &str| {
        let text = format!("FROM {base}\nRUN mkdir /d/{{a,b}} && chown web /d/{{a,b}}\n");
        let recipe = Recipe::of(&Frame::of(&Dockerfile::read(&text).unwrap(), 0));
        let made: Vec<String> = recipe.files.iter().map(|file| file.path.clone()).collect();
        (made.join(" "), recipe.owners.len(), recipe.holes.len(), recipe.lost.len())
    };
    assert_eq!(paths("quay.io/fedora/fedora:42"), ("/d/a /d/b".to_owned(), 2, 0, 0));
    assert_eq!(paths("alpine"), (String::new(), 0, 1, 1));
}

#[test]
fn account_names_and_groups_are_read() {
    let text = "FROM debian\nRUN groupadd --gid 2000 staff && addgroup crew --gid 2001 && useradd -p secret -e 2030-01-01 -m web\n\
                RUN adduser -h /srv -D -G staff -g \"The user\" app && useradd -h ops -g crew\nRUN mkdir -p \"/srv/a b\"\n";
    let recipe = Recipe::of(&Frame::of(&Dockerfile::read(text).unwrap(), 0));
    assert_eq!(recipe.groups, [("staff".to_owned(), Some(2000)), ("crew".to_owned(), Some(2001))]);
    let names: Vec<&str> = recipe.users.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["web", "app", "ops"]);
    let app = &recipe.accounts["app"];
    assert_eq!((app.home.as_deref(), app.group.as_deref()), (Some("/srv"), Some("staff")));
    assert_eq!(recipe.accounts["ops"].group.as_deref(), Some("crew"));
    assert_eq!(recipe.files[0].script, "mkdir -p $out'/srv/a b'");
}

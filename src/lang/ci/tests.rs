use super::*;
use crate::lang::{Language, Tree, shell};

#[test]
fn ci_files_are_recognised_by_their_paths() {
    for (path, expected) in [
        (".github/workflows/ci.yml", Some(System::GitHub)),
        ("sub/.github/workflows/ci.yaml", None),
        ("sub/.gitlab-ci.yml", Some(System::GitLab)),
        (".forgejo/workflows/a.yml", Some(System::GitHub)),
        (".gitea/workflows/a.yaml", Some(System::GitHub)),
        (".github/workflows/nested/a.yml", None),
        (".github/dependabot.yml", None),
        (".github/actions/setup/action.yml", Some(System::GitHubAction)),
        ("action.yaml", Some(System::GitHubAction)),
        (".gitlab-ci.yml", Some(System::GitLab)),
        (".gitlab/ci/build.yml", Some(System::GitLab)),
        ("templates/build.gitlab-ci.yml", Some(System::GitLab)),
        (".circleci/config.yml", Some(System::CircleCi)),
        ("azure-pipelines-release.yml", Some(System::Azure)),
        (".buildkite/pipeline.yml", Some(System::Buildkite)),
        (".woodpecker.yml", Some(System::Woodpecker)),
        (".woodpecker/build.yaml", Some(System::Woodpecker)),
        ("linter/testdata/.woodpecker/build.yaml", None),
        ("x/.drone/build.yml", None),
        (".drone.yml", Some(System::Woodpecker)),
        ("bitbucket-pipelines.yml", Some(System::Bitbucket)),
        (".travis.yml", Some(System::Travis)),
        ("cloudbuild.prod.yaml", Some(System::CloudBuild)),
        ("buildspec.yml", Some(System::CodeBuild)),
        (".semaphore/semaphore.yml", Some(System::Semaphore)),
        (".build.yml", Some(System::SourceHut)),
        (".builds/debian.yml", Some(System::SourceHut)),
        ("compose.yaml", None),
        ("action.nix", None),
    ] {
        assert_eq!(system(path), expected, "{path}");
    }
}

/// What a file runs, one item per line: commands as their words, reusable units as `@name`.
fn runs(path: &str, text: &str) -> Vec<String> {
    let tree = Tree::parse(Language::Yaml, text).unwrap();
    let yaml = Yaml::new(&tree);
    let mut out = Vec::new();
    for site in sites(&yaml, system(path).unwrap()) {
        match site {
            Site::Script(script) => {
                for command in shell::commands(&script.text) {
                    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
                    let first = script.span(command.words[0].span);
                    assert_eq!(text[first.range()].trim_matches(['"', '\'']), words[0], "{path}");
                    out.push(words.join(" "));
                }
            }
            Site::Uses { name, .. } => out.push(format!("@{name}")),
        }
    }
    out
}

#[test]
fn commands_and_units_are_found_for_each_system() {
    for (path, text, expected) in [
        (
            ".github/workflows/a.yml",
            "on: push\ndefaults:\n  run:\n    shell: bash\njobs:\n  a:\n    uses: ./x.yml\n  b:\n    steps:\n      - uses: a/b@v1\n        with: {run: no, script: no}\n      - run: make a\n      - name: make no\n        run: |\n          # make no\n          make b\n          make c\n      - run: >-\n          make d\n          e\n      - run: \"make \\\"f\\\"\"\n      - shell: python\n        run: import no\n",
            &["@./x.yml", "@a/b@v1", "make a", "make b", "make c", "make d e", "make  f"][..],
        ),
        (
            "action.yml",
            "runs:\n  using: composite\n  steps:\n    - run: a b\n      shell: bash\n    - uses: c/d@1\n",
            &["a b", "@c/d@1"],
        ),
        (
            ".gitlab-ci.yml",
            ".x: &x\n  - make a\n  - make b\nvariables:\n  script: no\nbuild:\n  before_script: *x\n  script:\n    - *x\n    - |\n      make c\n    - \"make d\"\nt:\n  after_script: make e\n",
            &["make a", "make b", "make c", "make d", "make e"],
        ),
        (
            ".circleci/config.yml",
            "orbs:\n  dk: circleci/docker@2.0.0\njobs:\n  a:\n    steps:\n      - checkout\n      - run: make a\n      - run:\n          name: make no\n          command: make b\n      - dk/build:\n          image: x\n      - dk/check\nworkflows:\n  w:\n    jobs:\n      - a\n      - dk/publish: {image: y}\n",
            &["@circleci/docker/check", "make a", "make b", "@circleci/docker/build", "@circleci/docker/publish"],
        ),
        (
            "azure-pipelines.yml",
            "steps:\n- script: make a\n  displayName: make no\n- task: Docker@2\n  inputs:\n    command: build\n- bash: |\n    make b\n",
            &["make a", "@Docker@2", "make b"],
        ),
        (
            ".buildkite/pipeline.yml",
            "steps:\n  - command: make a\n    plugins:\n      - docker-compose#v5:\n          build: app\n      - x#v1\n  - commands: [make b, make c]\n  - group: g\n    steps: [{command: make d}]\n",
            &["make a", "@docker-compose#v5", "@x#v1", "make b", "make c", "make d"],
        ),
        (
            ".woodpecker.yml",
            "steps:\n  - name: a\n    image: plugins/docker\n    settings: {}\n  - name: b\n    image: alpine\n    commands:\n      - make a\n",
            &["@plugins/docker", "@alpine", "make a"],
        ),
        (".woodpecker/a.yaml", "variables:\n  - &x 'x/y'\nsteps:\n  - image: *x\n  - image: *x\n", &["@x/y", "@x/y"]),
        (
            ".drone.yml",
            "kind: pipeline\nsteps:\n- name: a\n  image: x\n  commands: [make a]\n---\nkind: secret\nname: make\n",
            &["@x", "make a"],
        ),
        (
            "bitbucket-pipelines.yml",
            "pipelines:\n  default:\n    - step:\n        script:\n          - make a\n          - pipe: x/y:1\n",
            &["make a"],
        ),
        (".travis.yml", "install: make a\nscript:\n  - make b\n", &["make a", "make b"]),
        ("buildspec.yml", "phases:\n  build:\n    commands:\n      - make a\n", &["make a"]),
        (
            ".semaphore/semaphore.yml",
            "version: v1.0\nblocks:\n  - task:\n      prologue: {commands: [checkout]}\n      jobs:\n        - name: make no\n          commands: [make a]\n",
            &["checkout", "make a"],
        ),
        (
            ".builds/a.yml",
            "image: alpine\nsources: [make no]\ntasks:\n  - make-no: |\n      make a\n  - b: make b\n",
            &["make a", "make b"],
        ),
        ("cloudbuild.yaml", "steps:\n- name: x/docker\n  args: [build]\n", &["@x/docker"]),
    ] {
        assert_eq!(runs(path, text), expected, "{path}");
    }
}

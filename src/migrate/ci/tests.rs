use std::collections::BTreeMap;

use super::*;
use crate::migrate::Ports;

fn migrated(text: &str) -> (String, Vec<String>) {
    let files: BTreeMap<String, String> = [
        (".github/workflows/ci.yml", text),
        ("api/Dockerfile", "FROM scratch\n"),
        ("flake/container-api.nix", ""),
        ("site/dockerfile", "FROM scratch\n"),
        ("flake/container-site.nix", ""),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect();
    let mut draft = Draft::new(&files, Ports::default());
    migrate(&mut draft, &".github/workflows/ci.yml".into()).unwrap();
    let (changes, report) = draft.finish().unwrap();
    let left = report.left.iter().map(|left| format!("{}: {}", left.line, left.what)).collect();
    (changes.first().map_or(text.to_owned(), |change| change.after.clone()), left)
}

#[test]
fn a_build_and_push_step_becomes_two_steps() {
    let (new, left) = migrated(
        r"name: CI
on: push
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: docker/setup-buildx-action@v3
      - uses: docker/login-action@v3
        with:
          registry: ghcr.io
      # The image
      - name: Build and push
        if: github.ref == 'refs/heads/main'
        uses: docker/build-push-action@v6
        with:
          context: ./api
          push: ${{ github.event_name != 'pull_request' }}
          tags: |
            ghcr.io/o/api:latest
            ghcr.io/o/api:${{ github.sha }}
          build-args: A=1
          cache-from: type=gha
      - run: echo done
",
    );
    assert_eq!(
        new,
        r#"name: CI
on: push
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: DeterminateSystems/nix-installer-action@main
      - uses: DeterminateSystems/magic-nix-cache-action@main
      - uses: docker/login-action@v3
        with:
          registry: ghcr.io
      # The image
      - name: Build and push
        if: github.ref == 'refs/heads/main'
        run: nix build .#container-api
      - name: Push image
        if: ${{ (github.ref == 'refs/heads/main') && (github.event_name != 'pull_request') }}
        env:
          TAGS: |
            ghcr.io/o/api:latest
            ghcr.io/o/api:${{ github.sha }}
        run: |
          # copyToRegistry only pushes to the image's own name; copyTo takes a destination.
          for tag in ${TAGS//,/ }; do
            nix run .#container-api.copyTo -- "docker://$tag"
          done
      - run: echo done
"#
    );
    assert_eq!(left, ["22: with.build-args"]);
}

#[test]
fn a_dockerfile_with_a_name_in_lower_case_is_found_in_its_context() {
    let (new, left) = migrated(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: docker build -t o/site:1 site\n      - run: docker build -t o/x:1 x\n",
    );
    assert!(new.contains("run: nix build .#container-site && "), "{new}");
    assert_eq!(left, ["7: docker build"]);
}

#[test]
fn scripts_are_rewritten_in_place() {
    let (new, left) = migrated(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: |\n          docker build -t o/api:1 api\n          docker push o/api:1\n",
    );
    assert!(
        new.contains(
            "          nix build .#container-api\n          nix run .#container-api.copyTo -- \"docker://o/api:1\"\n"
        ),
        "{new}"
    );
    assert!(left.is_empty());
}

#[test]
fn remaining_docker_commands_are_reported() {
    let (new, left) = migrated(
        "on: push\njobs:\n  check:\n    runs-on: ubuntu-latest\n    steps:\n      - run: docker build --check api\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      \
         - uses: docker/setup-buildx-action@v3\n        id: buildx\n      - run: echo ${{ steps.buildx.outputs.name }}\n      \
         - run: docker build -t x api && docker run x\n      - run: docker push o/c:1\n  b:\n    runs-on: ubuntu-latest\n    steps:\n      - run: docker push x\n",
    );
    assert!(new.contains("run: docker build --check api\n") && new.contains("id: buildx"), "{new}");
    assert!(new.contains("run: nix build .#container-api && nix run .#container-api.copyTo -- \"docker-daemon:x:latest\" && docker run x\n"), "{new}");
    assert_eq!(
        left,
        ["6: docker build", "10: docker/setup-buildx-action", "14: docker push o/c:1", "18: docker push x"]
    );
}

#[test]
fn builds_that_depend_on_the_matrix_are_not_rewritten() {
    let step = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          context: ${{ matrix.app }}\n";
    let (new, left) = migrated(step);
    assert_eq!((new.as_str(), left.as_slice()), (step, &["6: docker/build-push-action".to_owned()][..]));
}

#[test]
fn other_files_are_refused_or_reported() {
    let files: BTreeMap<String, String> =
        [("x.yml", "a: 1\n"), (".gitlab-ci.yml", "a:\n  script:\n    - docker build .\n")]
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
    let mut draft = Draft::new(&files, Ports::default());
    assert!(migrate(&mut draft, &"x.yml".into()).is_err());
    migrate(&mut draft, &".gitlab-ci.yml".into()).unwrap();
    assert_eq!(draft.report.left[0].line, 3);
}

#[test]
fn a_build_in_a_folder_uses_the_dockerfile_there() {
    let head = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n";
    for step in [
        "      - working-directory: ./api\n        run: docker build -t x .\n",
        "      - run: |\n          cd api\n          docker build -t x .\n",
    ] {
        let (new, left) = migrated(&format!("{head}{step}"));
        assert!(new.contains("nix build .#container-api") && left.is_empty(), "{new}{left:?}");
    }
    let (new, left) = migrated(&format!("{head}      - run: docker build -t x .\n"));
    assert!(!new.contains("nix build") && left == ["6: docker build"], "{new}{left:?}");
    let written = "      - run: docker buildx build --output type=docker,dest=x.tar --cache-to type=local,dest=c -t x api && gzip x.tar\n";
    let (new, left) = migrated(&format!("{head}{written}"));
    assert!(new.contains("copyTo -- \"docker-archive:x.tar:x:latest\" && gzip x.tar"), "{new}");
    assert_eq!(left, ["6: --cache-to type=local,dest=c"]);
}

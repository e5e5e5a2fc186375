//! What `docker` holds beside rules and dashboards, each part by the program that would read it. Images are not built here: that
//! needs a container engine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::process::folder;
use crate::rules::{docker, list, yaml};

/// Tenths of what `systemd-analyze security` shows: it calls 1.4 of 10, which this unit has, "OK".
const EXPOSURE_MAX: &str = "--threshold=15";

fn output(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not run: {error}; `cargo xtask test` installs it"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn succeeds(command: &mut Command) {
    let output = output(command);
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
}

fn cordboard() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cordboard"))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_unit_is_understood_by_systemd_and_exposes_little() {
    let unit = text(&docker().join("cordboard.service"));
    // systemd looks whether the program is there; on this machine it lies where it was built.
    let here = unit.replace("/usr/bin/cordboard", env!("CARGO_BIN_EXE_cordboard"));
    assert_ne!(here, unit);
    let file = folder("unit").join("cordboard.service");
    std::fs::write(&file, here).expect("the test's folder is writable");
    succeeds(Command::new("systemd-analyze").arg("verify").arg(&file));
    let security = ["security", "--offline=true", "--no-pager", EXPOSURE_MAX];
    succeeds(Command::new("systemd-analyze").args(security).arg(&file));
}

#[test]
fn the_configuration_of_the_pbx_is_understood_by_kamailio() {
    let mut command = Command::new("kamailio");
    command.args(["-c", "-x", "fm", "-X", "fm", "-f"]).arg(docker().join("kamailio/kamailio.cfg"));
    succeeds(command.env("CORDBOARD", "127.0.0.1:5060"));
}

#[test]
fn the_centre_of_compose_can_be_run_and_called() {
    let of = |name: &str| docker().join("compose").join(name);
    succeeds(cordboard().args(["check", "-c"]).arg(of("cordboard.toml")));
    succeeds(cordboard().args(["load", "--check"]).arg(of("calls.toml")));
}

#[test]
fn what_compose_mounts_and_builds_is_there() {
    let compose = yaml(&docker().join("compose.yaml"));
    let services = compose["services"].as_hash().expect("services");
    let mut found = 0;
    for service in services.values() {
        let build = &service["build"];
        let context = build["context"].as_str().or(build.as_str());
        let dockerfile = build["dockerfile"].as_str().unwrap_or("Dockerfile");
        let image = context.map(|context| docker().join(context).join(dockerfile));
        let mounts = list(&service["volumes"]).filter_map(|volume| volume.as_str()?.split(':').next());
        let mounts = mounts.filter(|source| source.starts_with('.')).map(|source| docker().join(source));
        for path in mounts.chain(image) {
            assert!(path.exists(), "compose.yaml speaks of {}", path.display());
            found += 1;
        }
    }
    assert!(found >= 7, "{found} are too few to be all");
}

#[test]
fn the_image_is_built_by_the_compiler_of_the_project() {
    let root = docker().join("..");
    let pinned: toml::Table = text(&root.join("rust-toolchain.toml")).parse().expect("TOML");
    let version = pinned["toolchain"]["channel"].as_str().expect("a version").to_owned();
    let image = text(&docker().join("Dockerfile"));
    assert!(image.contains(&format!("FROM rust:{version}-slim-bookworm AS build\n")), "{version}: {image}");
}

/// Nobody's centre runs with a password that stands in a package.
#[test]
fn the_configuration_of_the_package_waits_for_a_password_and_for_nothing_else() {
    let file = docker().join("debian/cordboard.toml");
    for command in ["check", "run"] {
        let output = output(cordboard().args([command, "-c"]).arg(&file));
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        let errors = said(&output);
        assert_eq!(errors.lines().filter(|line| line.contains("cordboard.toml:")).count(), 1, "{errors}");
        assert!(errors.contains("password") && errors.contains("is empty"), "{errors}");
    }
    let mine = folder("package").join("cordboard.toml");
    let filled = text(&file).replace("password = \"\"", "password = \"heron-4711-kettle\"");
    std::fs::write(&mine, filled).expect("the test's folder is writable");
    succeeds(cordboard().args(["check", "-c"]).arg(&mine));
}

#[test]
fn the_parts_of_the_package_are_there_and_its_scripts_are_a_shell_s() {
    let of = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = text(&of.join("Cargo.toml")).parse().expect("TOML");
    let package = &manifest["package"]["metadata"]["deb"];
    let assets = package["assets"].as_array().expect("assets");
    let sources = assets.iter().map(|asset| asset[0].as_str().expect("a source"));
    for source in sources.filter(|source| !source.starts_with("target/")) {
        let folder = of.join(source.split('*').next().expect("something"));
        let there = if source.contains('*') { folder.is_dir() } else { of.join(source).is_file() };
        assert!(there, "the package has no {source}");
    }
    let configuration = package["conf-files"][0].as_str().expect("the configuration");
    let installed = |asset: &&toml::Value| asset[1].as_str() == configuration.strip_prefix('/');
    let asset = assets.iter().find(installed).expect("the configuration is an asset");
    assert_eq!(asset[2].as_str(), Some("640"), "it holds passwords");
    let scripts: [PathBuf; 3] =
        ["postinst", "prerm", "postrm"].map(|script| docker().join("debian").join(script));
    for script in scripts {
        succeeds(Command::new("sh").arg("-n").arg(&script));
    }
}

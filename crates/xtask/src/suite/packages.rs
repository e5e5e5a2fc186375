//! Programs that the tests speak to, from Debian's packages.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A package and the program whose presence proves it.
struct Package {
    name: &'static str,
    program: &'static str,
    /// What the tests use it for.
    purpose: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { name: "sip-tester", program: "sipp", purpose: "callers and agents by scenario" },
    Package { name: "baresip", program: "baresip", purpose: "an agent's phone with real audio" },
    Package { name: "kamailio", program: "kamailio", purpose: "the PBX in front" },
    Package {
        name: "rtpengine-daemon",
        program: "rtpengine",
        purpose: "a relay of audio to measure ours beside",
    },
    Package { name: "prometheus", program: "prometheus", purpose: "scrapes and evaluates the metrics" },
    Package { name: "systemd", program: "systemd-analyze", purpose: "judges the unit" },
    Package { name: "procps", program: "kill", purpose: "signals to what the tests have started" },
    Package { name: "dnsmasq-base", program: "dnsmasq", purpose: "a name server with SRV and NAPTR records" },
    Package { name: "valgrind", program: "valgrind", purpose: "counts the distributor's instructions" },
];

/// Where Debian keeps servers; often not in the path of an ordinary user.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Sees that every program is there, and installs the packages of those that are not.
pub(super) fn provide() -> Result<(), String> {
    let missing = missing(&folders());
    if missing.is_empty() {
        println!("all {} are there", PACKAGES.len());
        return Ok(());
    }
    if !can_install() {
        return Err(explain(&missing));
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    println!("installing {}", names.join(" "));
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"][..], &names].concat())?;
    let still: Vec<&str> = self::missing(&folders()).iter().map(|package| package.program).collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(format!("FAILED: packages: installed, but still no program {}", still.join(", ")))
}

fn missing(folders: &[PathBuf]) -> Vec<&'static Package> {
    let is_there = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    PACKAGES.iter().filter(|package| !is_there(package.program)).collect()
}

fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from)).collect()
}

fn can_install() -> bool {
    let user = Command::new("id").arg("-u").output();
    let is_root = user.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    is_root && Path::new("/usr/bin/apt-get").exists()
}

fn explain(missing: &[&Package]) -> String {
    let lines = missing
        .iter()
        .map(|package| format!("  {:12} {} ({})", package.name, package.program, package.purpose));
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    format!(
        "FAILED: packages: the tests need programs that are missing:\n{}\n\
         install them (Debian: `sudo apt-get update && sudo apt-get install --no-install-recommends {}`)\n\
         or run this command as root on Debian",
        lines.collect::<Vec<String>>().join("\n"),
        names.join(" ")
    )
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status();
    if status.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!("FAILED: packages: apt-get {} did not succeed", arguments.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_in_no_folder_is_missing_with_its_package_and_remedy() {
        let missing = missing(&[PathBuf::from(env!("CARGO_MANIFEST_DIR"))]);
        assert_eq!(missing.len(), PACKAGES.len());
        let text = explain(&missing);
        for package in PACKAGES {
            assert!(text.contains(package.name) && text.contains(package.program), "{text}");
        }
        assert!(text.contains("apt-get install"));
    }
}

//! The fuzzer of one target, which `CORDBOARD_FUZZ_TARGET` names.
#![cfg_attr(fuzzing, no_main)]

/// Names the target; libFuzzer has the command line for itself.
const VARIABLE: &str = "CORDBOARD_FUZZ_TARGET";

fn target() -> &'static fuzz::Target {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    fuzz::target(&name).unwrap_or_else(|| {
        let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
        panic!("{VARIABLE} names one of {}, not {name:?}", names.join(", "))
    })
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    static TARGET: std::sync::LazyLock<&fuzz::Target> = std::sync::LazyLock::new(target);
    (TARGET.run)(octets);
});

/// Repeats findings: every argument is a file with the octets of one.
#[cfg(not(fuzzing))]
fn main() {
    let target = target();
    for file in std::env::args_os().skip(1) {
        let octets = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (target.run)(&octets);
        println!("{}: nothing", file.display());
    }
}

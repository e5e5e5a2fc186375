//! `cordboard run`: from the command line to the last signal.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::config::{self, Config, Passwords};
use crate::exit::Exit;
use crate::logging;
use crate::shell::{Running, Shell};
use crate::start_error::StartError;

/// Runs the configuration in `file` until a signal or a fault ends it.
pub fn run(file: &Path, sip_trace: Option<String>) -> Exit {
    let loaded = match config::load(file, Passwords::Strong) {
        Ok(loaded) => loaded,
        Err(refused) => {
            eprintln!("{refused}");
            return Exit::Configuration;
        }
    };
    let (guard, log) = logging::begin(&loaded.config.log).unzip();
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let mut shell = Shell::new(loaded.config, base);
    shell.sip_trace = sip_trace;
    if let Some(log) = log {
        shell.log = Arc::new(log);
    }
    let exit = match start_and_serve(shell, file) {
        Ok(exit) => exit,
        Err(refused) => {
            // The log may be read by machines and much later; whoever types the command wants to know now.
            eprintln!("cordboard: {refused}");
            error!("{refused}");
            Exit::System
        }
    };
    drop(guard);
    exit
}

fn start_and_serve(shell: Shell, file: &Path) -> Result<Exit, StartError> {
    // Before anything else: a signal that comes while sockets are bound and music is read waits until then.
    let mut signals = Signals::new().map_err(StartError::resource("a way to hear signals"))?;
    Ok(serve(shell.start()?, file, &mut signals))
}

/// What the process is told from outside.
struct Signals {
    /// Hears them from the first moment on.
    _listening: Runtime,
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// What one of them means.
enum Wish {
    Reload,
    End,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        let listening = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let _inside = listening.enter();
        Ok(Signals {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _listening: listening,
        })
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.hang_up.recv() => Wish::Reload,
            _ = self.terminate.recv() => Wish::End,
            _ = self.interrupt.recv() => Wish::End,
        }
    }
}

/// What ended a wait.
enum Turn {
    Told(Wish),
    Died,
    Drained,
    Late,
}

/// Obeys signals until the end.
fn serve(mut running: Running, file: &Path, signals: &mut Signals) -> Exit {
    loop {
        let turn = running.block_on(async {
            tokio::select! {
                wish = signals.next() => Turn::Told(wish),
                () = running.failed() => Turn::Died,
            }
        });
        match turn {
            Turn::Told(Wish::Reload) => reload(&mut running, file),
            Turn::Told(Wish::End) => break,
            Turn::Died => return died(running),
            Turn::Drained | Turn::Late => unreachable!("nobody drains yet"),
        }
    }
    drain(running, signals)
}

fn drain(running: Running, signals: &mut Signals) -> Exit {
    let limit = running.config().sip.drain_timeout;
    running.drain();
    let late = running.clock().now() + limit;
    loop {
        let left = running.clock().until(late);
        let turn = running.block_on(async {
            tokio::select! {
                wish = signals.next() => Turn::Told(wish),
                () = running.failed() => Turn::Died,
                () = running.drained() => Turn::Drained,
                () = tokio::time::sleep(left) => Turn::Late,
            }
        });
        match turn {
            Turn::Told(Wish::Reload) => warn!("draining: the configuration is not read any more"),
            Turn::Told(Wish::End) => {
                let calls = running.calls();
                warn!(calls, "a second signal: ending at once");
                running.shut_down();
                return if calls == 0 { Exit::Well } else { Exit::CallsCut };
            }
            Turn::Died => return died(running),
            Turn::Drained => {
                info!("every call is over");
                running.shut_down();
                return Exit::Well;
            }
            Turn::Late => {
                warn!(
                    calls = running.calls(),
                    ?limit,
                    "`drain_timeout` has passed: ending the calls that are left"
                );
                end_calls(&running);
                running.shut_down();
                return Exit::CallsCut;
            }
        }
    }
}

/// Ends every call and gives the other sides a moment to answer.
fn end_calls(running: &Running) {
    const MOMENT: std::time::Duration = std::time::Duration::from_secs(2);
    running.hang_up();
    running.block_on(async {
        // Whoever does not answer in a moment is not waited for.
        let _all_answered = tokio::time::timeout(MOMENT, running.drained()).await;
    });
}

fn died(running: Running) -> Exit {
    error!(
        "a thread of ours has died; its last words are on standard error. Ending, so that we are started anew"
    );
    running.shut_down();
    Exit::Fault
}

/// Reads the file again. A file with errors changes nothing. One line says all of it: what is in force, what
/// waits for a restart, what was refused and why.
fn reload(running: &mut Running, file: &Path) {
    let config: Config = match config::load(file, Passwords::Strong) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                warn!("{warning}");
            }
            loaded.config
        }
        Err(refused) => {
            let why: Vec<String> = refused.errors().map(ToString::to_string).collect();
            error!("the new configuration is refused, the old one stays in force: {}", why.join("; "));
            return;
        }
    };
    match running.reload(config) {
        Ok(reloaded) if reloaded.waiting.is_empty() => info!("the new configuration is in force: {reloaded}"),
        Ok(reloaded) => {
            warn!("the new configuration is in force, except what needs a restart: {reloaded}");
        }
        Err(refused) => error!("the new configuration is refused, the old one stays in force: {refused}"),
    }
}

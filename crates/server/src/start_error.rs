//! Why the process cannot start, and what to do about it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use media::music::MusicError;

/// Something outside of us stands in the way of the start.
#[derive(Debug)]
pub enum StartError {
    /// A socket cannot be bound.
    Socket {
        /// Where the address is configured.
        setting: &'static str,
        /// `udp` or `tcp`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
        /// The setting of ours that has this address already.
        ours: Option<&'static str>,
        /// What the operating system said.
        error: io::Error,
    },
    /// A piece of music cannot be read.
    MusicFile {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// A piece of music cannot be played.
    Music {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        error: MusicError,
    },
    /// The operating system refused a thread, a poll or chance.
    Resource {
        /// What we wanted.
        what: &'static str,
        /// What it said.
        error: io::Error,
    },
}

impl StartError {
    /// An error about a resource, for `map_err`.
    pub(crate) fn resource(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
        move |error| StartError::Resource { what, error }
    }
}

impl std::error::Error for StartError {}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Socket { setting, transport, address, ours: Some(ours), .. } => {
                write!(f, "{setting}: {transport}:{address} cannot be used: ")?;
                write!(f, "{ours} has this address already; choose another port for one of the two")
            }
            StartError::Socket { setting, transport, address, ours: None, error } => {
                write!(f, "{setting}: {transport}:{address} cannot be used: ")?;
                socket_remedy(f, transport, *address, error)
            }
            StartError::MusicFile { file, error } => {
                write!(
                    f,
                    "the music {} cannot be read: {error}; correct the path or the rights",
                    file.display()
                )
            }
            StartError::Music { file, error } => {
                write!(
                    f,
                    "the music {} cannot be played: {error}; convert it to 8 kHz mono WAV",
                    file.display()
                )
            }
            StartError::Resource { what, error } => write!(f, "the system refused {what}: {error}"),
        }
    }
}

fn socket_remedy(
    f: &mut fmt::Formatter<'_>,
    transport: &str,
    address: SocketAddr,
    error: &io::Error,
) -> fmt::Result {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let flag = if transport == "udp" { 'u' } else { 't' };
            write!(
                f,
                "another process has this port. `ss -{flag}lpn 'sport = :{port}'` shows which; stop it, or choose \
                 another port"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            write!(
                f,
                "this machine does not have this address. `ip address` shows those it has; choose one of them"
            )
        }
        io::ErrorKind::PermissionDenied => write!(
            f,
            "ports below 1024 need a right. Give it with AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd \
             unit, or choose another port"
        ),
        _ => write!(f, "{error}"),
    }
}

//! Every socket that must be there from the start, and the music.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use media::{Music, MusicId};

use crate::config::{Config, Listen, Transport};
use crate::plan::{self, Bound};
use crate::start_error::StartError;
use crate::{tcp, threads};

/// Where the addresses of SIP are configured.
pub(crate) const SIP_LISTEN: &str = "[sip] listen";
/// Octets that we ask the system to buffer for a SIP socket: a second of a busy trunk.
pub(crate) const SIP_BUFFER: usize = 4 << 20;

/// Bound and not yet read.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) udp: Vec<(UdpSocket, SocketAddr)>,
    pub(super) tcp: Vec<(TcpListener, SocketAddr)>,
    pub(super) http: (TcpListener, SocketAddr),
    /// The addresses that media ports are bound to.
    pub(super) media: Vec<IpAddr>,
}

impl Sockets {
    pub(super) fn bind(config: &Config) -> Result<Sockets, StartError> {
        let (mut udp, mut tcp) = (Vec::new(), Vec::new());
        let sip = &config.sip.listen;
        for (number, listen) in sip.iter().enumerate() {
            let ours = sip[..number].iter().any(|other| is_one(*other, *listen)).then_some(SIP_LISTEN);
            let failed = |transport| refused(SIP_LISTEN, transport, listen.address, ours);
            match listen.transport {
                Transport::Udp => {
                    let socket =
                        threads::bind_udp(listen.address, Some(SIP_BUFFER)).map_err(failed("udp"))?;
                    let address = socket.local_addr().map_err(failed("udp"))?;
                    udp.push((socket, address));
                }
                Transport::Tcp => {
                    let socket = tcp::bind(listen.address).map_err(failed("tcp"))?;
                    let address = socket.local_addr().map_err(failed("tcp"))?;
                    tcp.push((socket, address));
                }
            }
        }
        let own = Listen { transport: Transport::Tcp, address: config.http.listen };
        let ours = sip.iter().any(|other| is_one(*other, own)).then_some(SIP_LISTEN);
        let failed = || refused("[http] listen", "tcp", config.http.listen, ours);
        let http = tcp::bind(config.http.listen).map_err(failed())?;
        let address = http.local_addr().map_err(failed())?;
        Ok(Sockets { udp, tcp, http: (http, address), media: media_addresses(config)? })
    }

    /// What the SIP sockets are, for the plan: the order of the configuration within each transport.
    pub(super) fn bound(&self) -> Vec<Bound> {
        let udp = self.udp.iter().map(|&(_, address)| Bound { transport: Transport::Udp, address });
        let tcp = self.tcp.iter().map(|&(_, address)| Bound { transport: Transport::Tcp, address });
        udp.chain(tcp).collect()
    }
}

/// One address of each family in which calls can have audio.
pub(crate) fn media_binds(config: &Config) -> Vec<IpAddr> {
    let media = &config.media;
    let v4 = media.bind.v4.filter(|_| media.addresses.v4.is_some()).map(IpAddr::V4);
    let v6 = media.bind.v6.filter(|_| media.addresses.v6.is_some()).map(IpAddr::V6);
    v4.into_iter().chain(v6).collect()
}

/// The same, tried once, so that a wrong one is found now and not with the first call.
fn media_addresses(config: &Config) -> Result<Vec<IpAddr>, StartError> {
    let addresses = media_binds(config);
    for &address in &addresses {
        let any_port = SocketAddr::new(address, 0);
        threads::bind_udp(any_port, None).map_err(refused("[media] bind", "udp", any_port, None))?;
    }
    Ok(addresses)
}

/// What stands in the way of a socket, by what the system said.
pub(crate) fn refused(
    setting: &'static str,
    transport: &'static str,
    address: SocketAddr,
    ours: Option<&'static str>,
) -> impl FnOnce(io::Error) -> StartError {
    move |error| {
        let ours = ours.filter(|_| error.kind() == io::ErrorKind::AddrInUse);
        StartError::Socket { setting, transport, address, ours, error }
    }
}

/// Whether two sockets are one; of port 0 the system chooses another one each time.
fn is_one(one: Listen, other: Listen) -> bool {
    one.address.port() != 0 && one.conflicts(&other)
}

/// Reads every piece of music.
pub(super) fn load_music(
    pieces: &BTreeMap<MusicId, plan::Music>,
) -> Result<Vec<(MusicId, Arc<Music>)>, StartError> {
    let mut loaded = Vec::new();
    for (&id, piece) in pieces {
        let music = match piece {
            plan::Music::Generated => Music::generated(),
            plan::Music::File(file) => {
                let bytes = std::fs::read(file)
                    .map_err(|error| StartError::MusicFile { file: file.clone(), error })?;
                Music::from_wav(&bytes).map_err(|error| StartError::Music { file: file.clone(), error })?
            }
        };
        loaded.push((id, Arc::new(music)));
    }
    Ok(loaded)
}

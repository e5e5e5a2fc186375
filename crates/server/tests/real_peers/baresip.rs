//! baresip: a softphone with real audio. It sends a sine tone and writes down what it hears.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::port::free_port;
use crate::process::Process;

/// What a baresip is.
pub(crate) struct Phone<'a> {
    pub(crate) name: &'a str,
    /// The `accounts` line.
    pub(crate) account: String,
    /// The frequency it sends, hertz.
    pub(crate) tone: u32,
    /// Whom to call at its start.
    pub(crate) dial: Option<String>,
}

/// A running baresip.
pub(crate) struct Baresip {
    _process: Process,
    folder: PathBuf,
}

impl Baresip {
    /// Starts a phone with a folder of its own.
    pub(crate) fn start(base: &Path, phone: &Phone<'_>) -> Baresip {
        let folder = base.join(format!("baresip-{}", phone.name));
        std::fs::create_dir_all(&folder).expect("the test's folder is writable");
        let modules =
            ["/usr/lib/baresip/modules"].iter().find(|path| Path::new(path).exists()).expect("its modules");
        let config = format!(
            "module_path {modules}\nmodule g711.so\nmodule ausine.so\nmodule aufile.so\nmodule sndfile.so\n\
             module_app account.so\nmodule_app menu.so\n\
             sip_listen 127.0.0.1:{port}\naudio_player aufile,{player}\naudio_source ausine,{tone}\n\
             audio_alert aufile,{alert}\nausrc_srate 48000\nauplay_srate 8000\nausrc_channels 2\nauplay_channels 1\n\
             snd_path {folder}\nrtp_timeout 0\n",
            port = free_port(),
            player = folder.join("played.wav").display(),
            alert = folder.join("alert.wav").display(),
            tone = phone.tone,
            folder = folder.display(),
        );
        std::fs::write(folder.join("config"), config).expect("the test's folder is writable");
        std::fs::write(folder.join("accounts"), format!("{}\n", phone.account))
            .expect("the test's folder is writable");
        std::fs::write(folder.join("contacts"), "").expect("the test's folder is writable");
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&folder);
        if let Some(dial) = &phone.dial {
            command.arg("-e").arg(format!("d{dial}"));
        }
        let process = Process::start("baresip", &mut command, &folder.join("log"));
        Baresip { _process: process, folder }
    }

    /// What it heard so far, as the file that its `sndfile` module writes of decoded audio.
    pub(crate) fn heard(&self) -> Option<PathBuf> {
        std::fs::read_dir(&self.folder)
            .expect("its folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("dec.wav")))
    }
}

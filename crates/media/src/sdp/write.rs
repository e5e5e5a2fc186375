//! Writing a description.

use std::fmt::{Formatter, Result};

use super::{Connection, Line, Media, Session};

pub(super) fn session(session: &Session, f: &mut Formatter<'_>) -> Result {
    let origin = &session.origin;
    write!(f, "v=0\r\no={} {} {} ", origin.username, origin.session_id, origin.version)?;
    connection(&origin.address, f)?;
    lines(&session.lines, f)?;
    session.media.iter().try_for_each(|one| media(one, f))
}

fn media(media: &Media, f: &mut Formatter<'_>) -> Result {
    write!(f, "m={} {}", media.kind, media.port)?;
    if let Some(count) = media.port_count {
        write!(f, "/{count}")?;
    }
    write!(f, " {}", media.protocol)?;
    for format in &media.formats {
        write!(f, " {format}")?;
    }
    f.write_str("\r\n")?;
    lines(&media.lines, f)
}

fn lines(lines: &[Line], f: &mut Formatter<'_>) -> Result {
    for line in lines {
        match line {
            Line::Connection(value) => {
                f.write_str("c=")?;
                connection(value, f)?;
            }
            Line::Attribute(attribute) => match &attribute.value {
                Some(value) => write!(f, "a={}:{value}\r\n", attribute.name)?,
                None => write!(f, "a={}\r\n", attribute.name)?,
            },
            Line::Other(letter, value) => write!(f, "{letter}={value}\r\n")?,
        }
    }
    Ok(())
}

fn connection(connection: &Connection, f: &mut Formatter<'_>) -> Result {
    write!(f, "{} {} {}\r\n", connection.network, connection.address_type, connection.address)
}

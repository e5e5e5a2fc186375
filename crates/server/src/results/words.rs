//! What is shown in both languages of the screen.

/// The same in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) en: &'static str,
    pub(crate) ko: &'static str,
}

pub(crate) const fn words(en: &'static str, ko: &'static str) -> Words {
    Words { en, ko }
}

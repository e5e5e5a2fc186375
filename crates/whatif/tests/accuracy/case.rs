//! The file of reference cases.

/// One line of the file.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// `case_id`; those that share one are told apart by their model.
    pub(crate) name: String,
    /// From 1, in the order of the file.
    pub(crate) number: u64,
    pub(crate) model: String,
    fields: Vec<String>,
}

/// The columns after the model, in the order of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Lambda = 2,
    Mu = 3,
    Theta = 4,
    Servers = 5,
    Threshold = 6,
    Other = 7,
    DelayProbability = 8,
    Wait = 9,
    ServiceLevel = 10,
    Abandoned = 11,
    Occupancy = 12,
    OtherExpected = 13,
}

impl Case {
    /// What stands in a column.
    pub(crate) fn text(&self, column: Column) -> &str {
        &self.fields[column as usize]
    }

    /// The number in a column, if there is one, and half a unit of its last digit.
    pub(crate) fn value(&self, column: Column) -> Option<Printed> {
        Printed::read(self.text(column))
    }

    /// The number after `name` in the column of other expected values.
    pub(crate) fn other(&self, name: &str) -> Option<Printed> {
        let text = self.text(Column::OtherExpected);
        let rest = &text[text.find(name)? + name.len()..];
        let end = rest.find(|letter: char| !(letter.is_ascii_digit() || " .=".contains(letter)));
        Printed::read(rest[..end.unwrap_or(rest.len())].trim_matches([' ', '=']))
    }

    /// The numbers in a column that holds several, with a slash between.
    pub(crate) fn numbers(&self, column: Column) -> Vec<Printed> {
        let parts = self.text(column).split('/');
        parts
            .map(|part| {
                Printed::read(part.trim_start_matches(|letter: char| letter.is_alphabetic() || letter == ':'))
            })
            .map(|number| number.expect("a list of numbers"))
            .collect()
    }
}

/// A number as it was printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printed {
    pub(crate) value: f64,
    /// Half a unit of the last digit.
    pub(crate) rounding: f64,
}

impl Printed {
    fn read(text: &str) -> Option<Printed> {
        let text = text.trim();
        let value = text.parse().ok()?;
        let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        Some(Printed { value, rounding: 0.5 * 10f64.powi(-i32::try_from(digits).ok()?) })
    }
}

/// Reads the file.
pub(crate) fn read(text: &str) -> Vec<Case> {
    text.lines()
        .zip(0..)
        .skip(1)
        .map(|(line, number)| {
            let fields = fields(line);
            Case { name: fields[0].clone(), number, model: fields[1].clone(), fields }
        })
        .collect()
}

/// The fields of a line; one in double quotes may hold commas.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => fields.last_mut().expect("there is always one").push(other),
        }
    }
    fields
}

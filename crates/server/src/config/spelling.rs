//! "Did you mean": the known word nearest to an unknown one.

/// The known word that differs least from `word`, unless it differs too much to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = word.chars().count() / 3 + 1;
    // The very same word is no correction of itself.
    let measured =
        known.filter(|candidate| *candidate != word).map(|candidate| (distance(word, candidate), candidate));
    measured.filter(|&(distance, _)| distance <= allowed).min().map(|(_, candidate)| candidate)
}

/// ` (did you mean ..?)` or nothing.
pub(crate) fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |candidate| format!(" (did you mean `{candidate}`?)"))
}

/// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.to_lowercase().replace('-', "_").chars().collect();
    let to: Vec<char> = to.to_lowercase().replace('-', "_").chars().collect();
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (i, &left) in from.iter().enumerate() {
        let above = &rows[i];
        let mut row = vec![i + 1];
        for (j, &right) in to.iter().enumerate() {
            let replaced = above[j] + usize::from(left != right);
            let mut best = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left == to[j - 1] && from[i - 1] == right {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let known = || ["ring_timeout", "strategy", "skills"].into_iter();
        assert_eq!(nearest("ring-timeuot", known()), Some("ring_timeout"));
        assert_eq!(nearest("skill", known()), Some("skills"));
        assert_eq!(nearest("password", known()), None);
        assert_eq!(hint("stratgey", known()), " (did you mean `strategy`?)");
        assert_eq!(hint("skills", ["skills"].into_iter()), "");
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}

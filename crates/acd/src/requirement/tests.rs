use super::*;

fn skill(name: &str) -> Option<SkillId> {
    ["billing", "english", "korean", "trainee", "and"]
        .iter()
        .position(|&known| known == name)
        .map(|position| SkillId(position as u32 + 1))
}

fn skills(of: &[(&str, u8)]) -> Skills {
    of.iter().map(|&(name, level)| (skill(name).expect("known in these tests"), level)).collect()
}

fn problem(text: &str) -> (usize, ParseProblem) {
    let error = parse(text, skill).expect_err("the text is wrong");
    (error.position, error.problem)
}

#[test]
fn a_requirement_is_read_as_a_person_reads_it() {
    let requirement = parse("billing >= 7 and (english >= 3 or korean) and not trainee", skill).unwrap();
    assert!(requirement.is_met_by(&skills(&[("billing", 7), ("english", 3)])));
    assert!(requirement.is_met_by(&skills(&[("billing", 9), ("korean", 1)])));
    assert!(!requirement.is_met_by(&skills(&[("billing", 6), ("korean", 9)])));
    assert!(!requirement.is_met_by(&skills(&[("billing", 7), ("english", 2)])));
    assert!(!requirement.is_met_by(&skills(&[("billing", 7), ("english", 3), ("trainee", 1)])));
}

#[test]
fn and_binds_closer_than_or() {
    let requirement = parse("korean or billing AND english", skill).unwrap();
    assert!(requirement.is_met_by(&skills(&[("korean", 1)])));
    assert!(!requirement.is_met_by(&skills(&[("billing", 1)])));
}

#[test]
fn who_lacks_a_skill_has_level_zero_of_it() {
    let none = Skills::new();
    for text in ["korean < 1", "korean <= 0", "korean = 0", "korean == 0", "korean != 3", "not korean", ""] {
        assert!(parse(text, skill).unwrap().is_met_by(&none), "{text}");
    }
    for text in ["korean", "korean > 0", "korean >= 1", "korean != 0"] {
        assert!(!parse(text, skill).unwrap().is_met_by(&none), "{text}");
    }
}

#[test]
fn a_skill_named_like_an_operator_is_put_in_quotes() {
    assert_eq!(parse("\"and\" > 4", skill).unwrap().size(), Size { terms: 1, depth: 1 });
}

#[test]
fn an_error_says_what_and_where() {
    use ParseProblem::*;
    let found = |text: &str| Some(text.to_owned());
    assert_eq!(problem("billing >="), (10, LevelExpected { found: None }));
    assert_eq!(problem("billing >= 11"), (11, LevelExpected { found: found("11") }));
    assert_eq!(problem("billing >= korean"), (11, LevelExpected { found: found("korean") }));
    assert_eq!(problem("billing and"), (11, SkillExpected { found: None }));
    assert_eq!(problem("billing and or"), (12, SkillExpected { found: found("or") }));
    assert_eq!(problem("billing english"), (8, OperatorExpected { found: "english".to_owned() }));
    assert_eq!(problem("billing and (english"), (12, Unclosed));
    assert_eq!(problem("billing)"), (7, OperatorExpected { found: ")".to_owned() }));
    assert_eq!(problem("biling"), (0, UnknownSkill { name: "biling".to_owned() }));
    assert_eq!(problem("billing & korean"), (8, StrayCharacter { found: '&' }));
    assert_eq!(problem("korean \"and"), (7, StrayCharacter { found: '"' }));
    let shown = parse("billing >= 11", skill).unwrap_err().to_string();
    assert_eq!(shown, "a level from 0 to 10 should stand at character 12, not `11`");
    let error =
        parse("\"한국어 상담\" and biling", |name| (name != "biling").then_some(SkillId(1))).unwrap_err();
    assert_eq!((error.position, error.character), (23, 14), "bytes, and characters as people count them");
}

#[test]
fn a_skill_is_asked_for_where_who_lacks_it_does_not_meet_the_term() {
    let wants = |text: &str| {
        let mut wanted = BTreeSet::new();
        parse(text, skill).unwrap().wanted_skills(&mut wanted);
        !wanted.is_empty()
    };
    for text in [
        "korean",
        "korean >= 1",
        "korean > 0",
        "korean = 5",
        "korean != 0",
        "not korean = 0",
        "not not korean",
    ] {
        assert!(wants(text), "{text}");
    }
    for text in ["not korean", "korean = 0", "korean < 1", "korean <= 3", "korean != 5", "not korean >= 5"] {
        assert!(!wants(text), "{text}");
    }
}

#[test]
fn a_text_that_is_too_large_is_refused_not_obeyed() {
    assert_eq!(problem(&"(".repeat(1_000)).1, ParseProblem::TooDeep);
    assert_eq!(problem(&"not ".repeat(1_000)).1, ParseProblem::TooDeep);
    assert_eq!(problem(&vec!["billing"; 300].join(" or ")).1, ParseProblem::TooLarge);
    assert_eq!(problem(&" ".repeat(5_000)).1, ParseProblem::TooLong);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z0-9\"()<>=! é&-]{0,60}") {
        let _ = parse(&text, skill).map_err(|error| error.to_string());
    }
}

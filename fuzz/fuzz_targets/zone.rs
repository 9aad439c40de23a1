//! Any rules as a time zone, and any instant in it.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use calendar_relay::calendar::zone::{
    BiasRules, Change, DayOfWeek, Period, Target, Transition, TransitionGroup, When, Zone, ZoneDefinition,
};
use jiff::{SignedDuration, civil};

libfuzzer_sys::fuzz_target!(|input: Input| {
    let zones = [Zone::named(&input.name), Zone::from_rules(input.rules), Zone::from_definition(&input.definition)];
    for zone in zones.into_iter().flatten() {
        for second in input.seconds {
            let (local, back) = (zone.local_of_second(second), zone.second_of_local(second));
            // Two days: a clock that is a day ahead may be moved to a day behind.
            assert!(local.abs_diff(second) < 2 * 86_400 && back.abs_diff(second) < 2 * 86_400, "{zone:?} {second}");
            let _ = Zone::from_rules(zone.bias_rules(second));
        }
    }
});

#[derive(Debug)]
struct Input {
    name: String,
    rules: BiasRules,
    definition: ZoneDefinition,
    seconds: [i64; 3],
}

impl Arbitrary<'_> for Input {
    fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            seconds: bytes.arbitrary()?,
            rules: BiasRules { bias: bytes.arbitrary()?, standard: change(bytes)?, daylight: change(bytes)? },
            definition: ZoneDefinition {
                id: String::new(),
                name: String::new(),
                periods: list(bytes, |bytes, id| {
                    Ok(Period { id, name: "Standard".to_owned(), bias: duration(bytes)? })
                })?,
                groups: list(bytes, |bytes, id| {
                    Ok(TransitionGroup { id, transitions: list(bytes, |bytes, _| transition(bytes))? })
                })?,
                transitions: list(bytes, |bytes, _| transition(bytes))?,
            },
            name: bytes.arbitrary()?,
        })
    }
}

/// Up to three things, with ids by which they may be referred to.
fn list<T>(
    bytes: &mut Unstructured<'_>,
    mut of: impl FnMut(&mut Unstructured<'_>, String) -> Result<T>,
) -> Result<Vec<T>> {
    (0..bytes.int_in_range(0..=3)?).map(|index| of(bytes, index.to_string())).collect()
}

fn transition(bytes: &mut Unstructured<'_>) -> Result<Transition> {
    let id = bytes.int_in_range(0..=3)?.to_string();
    let to = if bytes.arbitrary()? { Target::Period(id) } else { Target::Group(id) };
    let when = match bytes.int_in_range(0..=3)? {
        0 => When::Always,
        1 => When::Absolute(
            civil::Date::new(bytes.arbitrary()?, 1, 1).unwrap_or(civil::Date::MAX).to_datetime(time(bytes)?),
        ),
        2 => When::Day {
            month: bytes.arbitrary()?,
            day_of_week: day_of_week(bytes)?,
            occurrence: bytes.arbitrary()?,
            time: duration(bytes)?,
        },
        _ => When::Date { month: bytes.arbitrary()?, day: bytes.arbitrary()?, time: duration(bytes)? },
    };
    Ok(Transition { to, when })
}

fn change(bytes: &mut Unstructured<'_>) -> Result<Change> {
    Ok(Change {
        bias: bytes.arbitrary()?,
        time: time(bytes)?,
        day_order: bytes.int_in_range(-1..=32)?,
        month: bytes.int_in_range(-1..=13)?,
        day_of_week: day_of_week(bytes)?,
        year: bytes.arbitrary()?,
    })
}

fn time(bytes: &mut Unstructured<'_>) -> Result<civil::Time> {
    Ok(civil::time(bytes.int_in_range(0..=23)?, bytes.int_in_range(0..=59)?, bytes.int_in_range(0..=59)?, 0))
}

fn duration(bytes: &mut Unstructured<'_>) -> Result<SignedDuration> {
    Ok(if bytes.arbitrary()? {
        SignedDuration::new(bytes.arbitrary()?, 0)
    } else {
        SignedDuration::from_mins(bytes.int_in_range(-1500..=1500)?)
    })
}

fn day_of_week(bytes: &mut Unstructured<'_>) -> Result<DayOfWeek> {
    use DayOfWeek::{Day, Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday, Weekday, WeekendDay};
    bytes.choose(&[Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, Day, Weekday, WeekendDay]).copied()
}

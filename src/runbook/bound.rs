//! Bounds of numbers: `> 10%`, `< 2s`, `== 0`. The one place where their units are known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// Above.
    #[serde(rename = ">")]
    Above,
    /// Above or at.
    #[serde(rename = ">=")]
    AtLeast,
    /// Below.
    #[serde(rename = "<")]
    Below,
    /// Below or at.
    #[serde(rename = "<=")]
    AtMost,
    /// At.
    #[serde(rename = "==")]
    Equal,
}

/// What a bound's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nothing in particular.
    Plain,
    /// Hundredths of one.
    Percent,
    /// Seconds.
    Seconds,
}

/// A comparison with a number in the unit that Prometheus uses: ratios from 0 to 1, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Bound {
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub value: f64,
    /// How it is shown.
    pub unit: Unit,
}

impl Comparison {
    /// The sign; PromQL has the same.
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Above => ">",
            Comparison::AtLeast => ">=",
            Comparison::Below => "<",
            Comparison::AtMost => "<=",
            Comparison::Equal => "==",
        }
    }
}

impl Bound {
    /// Reads `> 10%`.
    pub fn parse(text: &str) -> Result<Bound, String> {
        use Comparison::{Above, AtLeast, AtMost, Below, Equal};
        let text = text.trim();
        let (comparison, rest) = [AtLeast, AtMost, Equal, Above, Below]
            .into_iter()
            .find_map(|sign| Some((sign, text.strip_prefix(sign.as_str())?.trim())))
            .ok_or_else(|| {
                format!("`{text}` does not start with a comparison (`>`, `>=`, `<`, `<=`, `==`)")
            })?;
        let split =
            rest.find(|c: char| !(c.is_ascii_digit() || ".-".contains(c))).unwrap_or(rest.len());
        let (number, unit) = rest.split_at(split);
        let number: f64 = number
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| format!("`{rest}` does not start with a number"))?;
        let (scale, unit) = match unit.trim() {
            "" => (1.0, Unit::Plain),
            "%" => (0.01, Unit::Percent),
            "s" => (1.0, Unit::Seconds),
            "ms" => (0.001, Unit::Seconds),
            "m" | "min" => (60.0, Unit::Seconds),
            other => {
                return Err(format!(
                    "`{other}` is not a unit of a bound (none, `%`, `s`, `ms`, `m`)"
                ));
            }
        };
        Ok(Bound { comparison, value: number * scale, unit })
    }

    /// Whether a number is beyond it.
    pub fn holds(&self, number: f64) -> bool {
        match self.comparison {
            Comparison::Above => number > self.value,
            Comparison::AtLeast => number >= self.value,
            Comparison::Below => number < self.value,
            Comparison::AtMost => number <= self.value,
            Comparison::Equal => (number - self.value).abs() < 1e-9,
        }
    }

    /// Whether it is the low numbers that are beyond it.
    pub fn is_floor(&self) -> bool {
        matches!(self.comparison, Comparison::Below | Comparison::AtMost)
    }

    /// A number in this bound's unit.
    pub fn show(&self, number: f64) -> String {
        match self.unit {
            Unit::Plain => trim(number),
            Unit::Percent => format!("{}%", trim(number * 100.0)),
            Unit::Seconds if number.abs() < 1.0 => format!("{}ms", trim(number * 1000.0)),
            Unit::Seconds => format!("{}s", trim(number)),
        }
    }
}

/// A number with two decimals, small ones with five.
fn trim(number: f64) -> String {
    let text = if number.abs() < 0.01 { format!("{number:.5}") } else { format!("{number:.2}") };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.comparison.as_str(), self.show(self.value))
    }
}

impl From<Bound> for String {
    fn from(bound: Bound) -> String {
        bound.to_string()
    }
}

impl TryFrom<String> for Bound {
    type Error = String;

    fn try_from(text: String) -> Result<Bound, String> {
        Bound::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_knows_its_unit_and_says_it_again() {
        for (text, number, shown) in [
            ("> 10%", 0.1, "> 10%"),
            ("<2s", 2.0, "< 2s"),
            (">= 300ms", 0.3, ">= 300ms"),
            ("== 0", 0.0, "== 0"),
        ] {
            let bound = Bound::parse(text).expect(text);
            assert!((bound.value - number).abs() < 1e-9, "{text}");
            assert_eq!(bound.to_string(), shown);
        }
        assert!(Bound::parse("> 10%").expect("a bound").holds(0.11));
        assert!(!Bound::parse("> 10%").expect("a bound").holds(0.1));
        assert!(Bound::parse("10%").unwrap_err().contains("comparison"));
        assert!(Bound::parse("> 5 apples").unwrap_err().contains("not a unit"));
    }
}

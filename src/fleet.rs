//! Combines the JSON reports of many repositories, by repository and date.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::rule;

/// The maximum number of rules that are counted separately.
const MOST_RULES: usize = 200;

/// The name for the remaining rules.
const OTHERS: &str = "other rules";

/// The repositories.
#[derive(Debug)]
pub struct Fleet {
    /// The repositories, sorted by name.
    pub repositories: Vec<Repository>,
    /// The date of the run.
    pub date: Date,
    /// The number of days after which a repository counts as not checked.
    pub stale_after: i32,
}

/// The checks of a repository.
#[derive(Debug)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// Its checks by date. There is at least one.
    checks: Vec<Check>,
}

/// The figures of one check.
#[derive(Debug, Default, Clone)]
pub struct Check {
    /// Its date, if the report has one.
    pub date: Option<Date>,
    /// Findings by level.
    pub totals: Totals,
    /// Findings by rule.
    pub rules: BTreeMap<String, usize>,
    /// The number of accepted findings.
    pub accepted: usize,
    /// The number of acceptances that have expired.
    pub expired: usize,
    /// The version of flakeward.
    pub version: String,
    /// The policy with its version; empty if there is none.
    pub policy: String,
    /// Rules whose level the repository lowers.
    pub lowered: Vec<Lowered>,
}

/// Findings by level.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The number of errors.
    #[serde(default)]
    pub errors: usize,
    /// The number of warnings.
    #[serde(default)]
    pub warnings: usize,
    /// The number of hints.
    #[serde(default)]
    pub hints: usize,
}

/// A rule whose level a repository lowers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowered {
    /// The rule's id.
    pub rule: String,
    /// Its level in the repository.
    pub level: String,
    /// The level in the policy, or else on the rule's page.
    pub default: String,
}

/// The parts of a JSON report that are used. Fields that older versions did not write are empty.
#[derive(Deserialize)]
struct Document {
    version: u32,
    #[serde(default)]
    findings: Vec<Finding>,
    #[serde(default)]
    summary: Totals,
    about: Option<AboutDocument>,
}

#[derive(Deserialize)]
struct Finding {
    rule: String,
}

#[derive(Deserialize)]
struct AboutDocument {
    repository: String,
    date: Option<String>,
    flakeward: String,
    policy: Option<PolicyDocument>,
    #[serde(default)]
    lowered: Vec<Lowered>,
    #[serde(default)]
    accepted: usize,
    #[serde(default)]
    expired: usize,
}

#[derive(Deserialize)]
struct PolicyDocument {
    name: String,
    version: String,
}

/// Reads a report, and returns the repository's name and the check. `name` is used if the report contains no name. The
/// error is a message.
pub fn read(name: &str, text: &str) -> Result<(String, Check), String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if document.version != 1 {
        return Err(format!("unsupported version {}; expected version 1", document.version));
    }
    let mut rules = BTreeMap::new();
    for finding in document.findings {
        *rules.entry(finding.rule).or_insert(0) += 1;
    }
    let mut check = Check { totals: document.summary, rules, ..Check::default() };
    let Some(about) = document.about else { return Ok((name.to_owned(), check)) };
    check.date = match about.date {
        Some(date) => Some(crate::suppress::date(&date).ok_or_else(|| format!("`{date}` is not a date"))?),
        None => None,
    };
    check.accepted = about.accepted;
    check.expired = about.expired;
    check.version = about.flakeward;
    check.policy = about.policy.map(|policy| format!("{} {}", policy.name, policy.version)).unwrap_or_default();
    check.lowered = about.lowered;
    Ok((about.repository, check))
}

impl Fleet {
    /// Groups checks by repository.
    pub fn new(checks: Vec<(String, Check)>, date: Date, stale_after: i32) -> Self {
        let mut by_name: BTreeMap<String, Vec<Check>> = BTreeMap::new();
        for (name, check) in checks {
            by_name.entry(name).or_default().push(check);
        }
        let repositories = by_name.into_iter().map(|(name, mut checks)| {
            checks.sort_by_key(|check| check.date);
            Repository { name, checks }
        });
        let mut fleet = Self { repositories: repositories.collect(), date, stale_after };
        fleet.join_rare_rules();
        fleet
    }

    /// Counts the findings of rare rules together. Otherwise, one report with made-up names would add a cell for each
    /// of them to every repository. The built-in rules are kept, and then those that most repositories have.
    fn join_rare_rules(&mut self) {
        let mut spread: HashMap<&str, usize> = HashMap::new();
        for repository in &self.repositories {
            let rules: HashSet<&String> = repository.checks.iter().flat_map(|check| check.rules.keys()).collect();
            rules.into_iter().for_each(|rule| *spread.entry(rule).or_default() += 1);
        }
        if spread.len() <= MOST_RULES {
            return;
        }
        let built_in: HashSet<&str> = rule::BUILT_IN.iter().map(|rule| rule.id).collect();
        let mut rules: Vec<(&str, usize)> = spread.into_iter().collect();
        rules.sort_unstable_by_key(|&(rule, count)| (!built_in.contains(rule), Reverse(count), rule));
        let kept: HashSet<String> = rules.into_iter().take(MOST_RULES).map(|(rule, _)| rule.to_owned()).collect();
        for check in self.repositories.iter_mut().flat_map(|repository| &mut repository.checks) {
            let mut others = 0;
            check.rules.retain(|rule, count| {
                let is_kept = kept.contains(rule);
                others += if is_kept { 0 } else { *count };
                is_kept
            });
            if others > 0 {
                *check.rules.entry(OTHERS.to_owned()).or_default() += others;
            }
        }
    }

    /// The rules with findings in the latest checks.
    pub fn rules(&self) -> Vec<&str> {
        let rules: BTreeSet<&str> = self
            .repositories
            .iter()
            .flat_map(|repository| repository.latest().rules.keys())
            .map(String::as_str)
            .collect();
        rules.into_iter().collect()
    }

    /// The findings of the latest checks.
    pub fn totals(&self) -> Totals {
        sum(self.repositories.iter().map(Repository::latest))
    }

    /// The number of days since a repository was last checked; `None` if its reports have no dates.
    pub fn age(&self, repository: &Repository) -> Option<i32> {
        repository.latest().date.map(|date| (self.date - date).get_days())
    }

    /// Whether the last check of a repository was too long ago.
    pub fn is_stale(&self, repository: &Repository) -> bool {
        self.age(repository).is_some_and(|age| age > self.stale_after)
    }

    /// For each date with a check: the number of repositories that had been checked by then, and the findings of their
    /// latest checks.
    pub fn trend(&self) -> Vec<(Date, usize, Totals)> {
        let all = self.repositories.iter().flat_map(|repository| &repository.checks);
        let dates: BTreeSet<Date> = all.filter_map(|check| check.date).collect();
        // The latest check of each repository, carried forward to each date.
        let mut next = vec![0; self.repositories.len()];
        let days = dates.into_iter().map(|date| {
            for (repository, next) in self.repositories.iter().zip(&mut next) {
                while repository.checks.get(*next).is_some_and(|check| check.date.is_none_or(|day| day <= date)) {
                    *next += 1;
                }
            }
            let known = self.repositories.iter().zip(&next).filter_map(|(repository, next)| {
                repository.checks[..*next].last().filter(|check| check.date.is_some())
            });
            let known: Vec<&Check> = known.collect();
            (date, known.len(), sum(known.into_iter()))
        });
        days.collect()
    }
}

fn sum<'a>(checks: impl Iterator<Item = &'a Check>) -> Totals {
    checks.fold(Totals::default(), |sum, check| Totals {
        errors: sum.errors + check.totals.errors,
        warnings: sum.warnings + check.totals.warnings,
        hints: sum.hints + check.totals.hints,
    })
}

impl Repository {
    /// Its latest check.
    pub fn latest(&self) -> &Check {
        // `checks` is never empty.
        &self.checks[self.checks.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(date: &str, errors: usize) -> Check {
        Check { date: Some(date.parse().unwrap()), totals: Totals { errors, ..Totals::default() }, ..Check::default() }
    }

    #[test]
    fn each_date_has_the_latest_check_of_each_repository() {
        let checks = [("a", "2026-01-01", 5), ("a", "2026-03-01", 1), ("b", "2026-02-01", 2)];
        let checks = checks.map(|(name, date, errors)| (name.to_owned(), check(date, errors)));
        let fleet = Fleet::new(checks.into(), "2026-03-15".parse().unwrap(), 30);
        let trend: Vec<_> =
            fleet.trend().into_iter().map(|(date, count, totals)| (date.to_string(), count, totals.errors)).collect();
        let expected = [("2026-01-01", 1, 5), ("2026-02-01", 2, 7), ("2026-03-01", 2, 3)];
        assert_eq!(trend, expected.map(|(date, count, errors)| (date.to_owned(), count, errors)));
        let stale: Vec<bool> = fleet.repositories.iter().map(|repository| fleet.is_stale(repository)).collect();
        assert_eq!(stale, [false, true]);
    }

    #[test]
    fn rare_rules_are_counted_together() {
        let check = |rules: &[(&str, usize)]| {
            let rules = rules.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect();
            Check { rules, ..Check::default() }
        };
        let made_up: Vec<String> = (0..1_000).map(|index| format!("q{index:04}")).collect();
        let mut made_up: Vec<(&str, usize)> = made_up.iter().map(|rule| (rule.as_str(), 2)).collect();
        made_up.push(("port-conflict", 1));
        let own = [("hardcoded-port", 3), ("local/ours", 4)];
        // The number of reports on one repository does not matter.
        let evil = ["2026-01-01", "2026-01-02", "2026-01-03"].map(|date| {
            let date = Some(date.parse().unwrap());
            ("evil", Check { date, ..check(&made_up) })
        });
        let checks = [("a", check(&own)), ("b", check(&own))].into_iter().chain(evil);
        let checks = checks.map(|(name, check)| (name.to_owned(), check)).collect();
        let fleet = Fleet::new(checks, "2026-03-15".parse().unwrap(), 30);
        let rules = fleet.rules();
        assert_eq!(rules.len(), MOST_RULES + 1);
        assert!(["hardcoded-port", "local/ours", "port-conflict", OTHERS].iter().all(|rule| rules.contains(rule)));
        let evil = fleet.repositories[2].latest();
        assert_eq!(evil.rules.values().sum::<usize>(), 2_001);
        assert_eq!(fleet.repositories[0].latest().rules.len(), 2);
    }
}

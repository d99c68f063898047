//! Operators with Nix's semantics: 64-bit integers, errors on overflow and division by zero.

use std::cmp::Ordering;
use std::rc::Rc;

use super::value::{Eval, Set, Val};
use crate::facts::port_registry::eval::{Machine, mismatch, text_cost};

/// The maximum length of a string, in bytes. The content of longer strings is treated as unknown: no name is that long.
pub const LONGEST: usize = 4096;

/// Evaluates `-x`.
pub fn negate(value: Val) -> Eval<Val> {
    match value {
        Val::Int(number) => number.checked_neg().map(Val::Int).ok_or_else(|| "the integer overflows".into()),
        Val::Float(number) => Ok(Val::Float(-number)),
        other => Err(mismatch(&other, "a number")),
    }
}

/// Evaluates `a // b`.
pub fn update(machine: &mut Machine<'_, '_>, left: Val, right: Val) -> Eval<Val> {
    match (left, right) {
        (Val::Set(left), Val::Set(right)) => {
            machine.burn(left.attrs.len() + right.attrs.len())?;
            if right.open.is_some() {
                // Unknown attributes on the right may replace any on the left.
                return Ok(Val::Set(Rc::new(Set { attrs: right.attrs.clone(), open: right.open.clone() })));
            }
            let mut set = (*left).clone();
            set.attrs.extend(right.attrs.iter().map(|(name, attr)| (name.clone(), *attr)));
            Ok(Val::Set(Rc::new(set)))
        }
        (Val::Set(_), other) | (other, _) => Err(mismatch(&other, "a set")),
    }
}

/// Evaluates the operators that need both values.
pub fn binary(machine: &mut Machine<'_, '_>, operator: &str, left: Val, right: Val) -> Eval<Val> {
    match operator {
        "==" => equal(machine, &left, &right, 0).map(Val::Bool),
        "!=" => equal(machine, &left, &right, 0).map(|same| Val::Bool(!same)),
        "<" => order(machine, &left, &right).map(|order| Val::Bool(order == Ordering::Less)),
        "<=" => order(machine, &left, &right).map(|order| Val::Bool(order != Ordering::Greater)),
        ">" => order(machine, &left, &right).map(|order| Val::Bool(order == Ordering::Greater)),
        ">=" => order(machine, &left, &right).map(|order| Val::Bool(order != Ordering::Less)),
        "++" => match (left, right) {
            (Val::List(left), Val::List(right)) => {
                machine.burn(left.len() + right.len())?;
                Ok(Val::List(left.iter().chain(right.iter()).copied().collect()))
            }
            (Val::List(_), other) | (other, _) => Err(mismatch(&other, "a list")),
        },
        _ => arithmetic(machine, operator, left, right),
    }
}

/// Evaluates `+`, `-`, `*` and `/`.
pub fn arithmetic(machine: &mut Machine<'_, '_>, operator: &str, left: Val, right: Val) -> Eval<Val> {
    match (left, right) {
        (Val::Int(left), Val::Int(right)) => integers(operator, left, right),
        (Val::Str(left), Val::Str(right)) if operator == "+" => {
            let known = left.zip(right).filter(|(left, right)| left.len() + right.len() <= LONGEST);
            let length = known.as_ref().map_or(0, |(left, right)| left.len() + right.len());
            machine.burn(text_cost(length))?;
            Ok(Val::Str(known.map(|(left, right)| format!("{left}{right}").into())))
        }
        (Val::Path, Val::Path | Val::Str(_)) if operator == "+" => Ok(Val::Path),
        (Val::Str(_), Val::Path) if operator == "+" => Ok(Val::Str(None)),
        (left, right) => {
            let (left, right) = (float(&left)?, float(&right)?);
            match operator {
                "+" => Ok(Val::Float(left + right)),
                "-" => Ok(Val::Float(left - right)),
                "*" => Ok(Val::Float(left * right)),
                _ if right == 0.0 => Err("division by zero".into()),
                _ => Ok(Val::Float(left / right)),
            }
        }
    }
}

fn integers(operator: &str, left: i64, right: i64) -> Eval<Val> {
    let result = match operator {
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        _ if right == 0 => return Err("division by zero".into()),
        _ => left.checked_div(right),
    };
    result.map(Val::Int).ok_or_else(|| "the integer overflows".into())
}

fn float(value: &Val) -> Eval<f64> {
    match value {
        Val::Int(number) => Ok(*number as f64),
        Val::Float(number) => Ok(*number),
        other => Err(mismatch(other, "a number")),
    }
}

/// Compares two values for `<` and the like.
pub fn order(machine: &mut Machine<'_, '_>, left: &Val, right: &Val) -> Eval<Ordering> {
    match (left, right) {
        (Val::Int(left), Val::Int(right)) => Ok(left.cmp(right)),
        (Val::Str(Some(left)), Val::Str(Some(right))) => {
            machine.burn(text_cost(left.len().min(right.len())))?;
            Ok(left.cmp(right))
        }
        (Val::Str(_), Val::Str(_)) => Err("it compares strings that are not known".into()),
        (left, right) => {
            float(left)?.partial_cmp(&float(right)?).ok_or_else(|| "it compares values that have no order".into())
        }
    }
}

/// Evaluates `==`.
pub fn equal(machine: &mut Machine<'_, '_>, left: &Val, right: &Val, depth: u32) -> Eval<bool> {
    if depth > 16 {
        machine.exceeded = true;
        return Err("it is nested too deeply".into());
    }
    machine.burn(1)?;
    match (left, right) {
        (Val::Int(left), Val::Int(right)) => Ok(left == right),
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => Ok(float(left)? == float(right)?),
        (Val::Bool(left), Val::Bool(right)) => Ok(left == right),
        (Val::Null, Val::Null) => Ok(true),
        (Val::Str(Some(left)), Val::Str(Some(right))) => {
            machine.burn(text_cost(left.len().min(right.len())))?;
            Ok(left == right)
        }
        (Val::Str(_), Val::Str(_)) => Err("it compares strings that are not known".into()),
        (Val::Path, Val::Path) => Err("it compares paths".into()),
        (Val::Lambda(_) | Val::Builtin(..), _) | (_, Val::Lambda(_) | Val::Builtin(..)) => Ok(false),
        (Val::List(left), Val::List(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (&left, &right) in left.iter().zip(right.iter()) {
                let (left, right) = (machine.force(left)?, machine.force(right)?);
                if !equal(machine, &left, &right, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Val::Set(left), Val::Set(right)) => {
            if let Some(why) = left.open.as_ref().or(right.open.as_ref()) {
                return Err(why.clone());
            }
            machine.burn(left.attrs.len().min(right.attrs.len()))?;
            if !left.attrs.keys().eq(right.attrs.keys()) {
                return Ok(false);
            }
            for (left, right) in left.attrs.values().zip(right.attrs.values()) {
                let (left, right) = (machine.force(left.thunk)?, machine.force(right.thunk)?);
                if !equal(machine, &left, &right, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

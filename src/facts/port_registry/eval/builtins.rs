//! The built-in Nix functions that registries use.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ops;
use super::value::{Attr, Eval, Set, ThunkId, Val};
use crate::facts::port_registry::eval::{Machine, mismatch};

macro_rules! table {
    ($($variant:ident $name:literal $arity:literal)*) => {
        /// A built-in function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Builtin { $($variant),* }

        impl Builtin {
            /// The number of its arguments.
            pub fn arity(self) -> usize {
                match self { $(Self::$variant => $arity),* }
            }

            fn find(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

table! {
    ToString "toString" 1
    Add "add" 2
    Sub "sub" 2
    Mul "mul" 2
    Div "div" 2
    LessThan "lessThan" 2
    IsInt "isInt" 1
    IsString "isString" 1
    IsAttrs "isAttrs" 1
    IsList "isList" 1
    IsNull "isNull" 1
    IsFunction "isFunction" 1
    AttrNames "attrNames" 1
    AttrValues "attrValues" 1
    HasAttr "hasAttr" 2
    GetAttr "getAttr" 2
    RemoveAttrs "removeAttrs" 2
    IntersectAttrs "intersectAttrs" 2
    MapAttrs "mapAttrs" 2
    ListToAttrs "listToAttrs" 1
    Map "map" 2
    GenList "genList" 2
    Length "length" 1
    ElemAt "elemAt" 2
    Head "head" 1
    Fold "foldl'" 3
    Filter "filter" 2
    Seq "seq" 2
    DeepSeq "deepSeq" 2
    Trace "trace" 2
    Throw "throw" 1
    Abort "abort" 1
}

/// The functions of nixpkgs' `lib` that are built-in functions, or return the same results: see its default.nix,
/// attrsets.nix and lists.nix.
#[rustfmt::skip]
pub const IN_LIBRARY: [&str; 24] = [
    "add", "attrNames", "attrValues", "deepSeq", "elemAt", "filter", "foldl'", "genList", "getAttr", "hasAttr", "head",
    "intersectAttrs", "isAttrs", "isInt", "isList", "isString", "length", "lessThan", "listToAttrs", "map", "mapAttrs",
    "seq", "sub", "trace",
];

/// The maximum length of generated lists: there are only this many port numbers.
const LONGEST: i64 = 1 << 16;

/// A member of `builtins`.
pub fn named(name: &str) -> Option<Val> {
    match name {
        "true" => Some(Val::Bool(true)),
        "false" => Some(Val::Bool(false)),
        "null" => Some(Val::Null),
        _ => Builtin::find(name).map(|builtin| Val::Builtin(builtin, Rc::from([]))),
    }
}

/// The value of a name that is bound globally in Nix; an error if it is not supported. `None` for other names.
pub fn global(name: &str) -> Option<Eval<Val>> {
    match name {
        "true" | "false" | "null" | "toString" | "map" | "removeAttrs" | "isNull" | "throw" | "abort" => {
            named(name).map(Ok)
        }
        "builtins" | "import" | "derivation" | "derivationStrict" | "baseNameOf" | "dirOf" | "fetchGit"
        | "fetchMercurial" | "fetchTarball" | "fetchTree" | "fromTOML" | "placeholder" | "scopedImport" => {
            Some(Err(format!("`{name}` is not supported").into()))
        }
        _ => None,
    }
}

/// Calls a function with all its arguments.
pub fn run(machine: &mut Machine<'_, '_>, builtin: Builtin, given: &[ThunkId]) -> Eval<Val> {
    match *given {
        [only] => one(machine, builtin, only),
        [first, second] => two(machine, builtin, first, second),
        [function, start, list] => fold(machine, function, start, list),
        _ => Err("it has unsupported syntax".into()),
    }
}

fn one(machine: &mut Machine<'_, '_>, builtin: Builtin, argument: ThunkId) -> Eval<Val> {
    let value = machine.force(argument)?;
    let is = |truth| Ok(Val::Bool(truth));
    match builtin {
        Builtin::IsInt => is(matches!(value, Val::Int(_))),
        Builtin::IsString => is(matches!(value, Val::Str(_))),
        Builtin::IsAttrs => is(matches!(value, Val::Set(_))),
        Builtin::IsList => is(matches!(value, Val::List(_))),
        Builtin::IsNull => is(matches!(value, Val::Null)),
        Builtin::IsFunction => is(matches!(value, Val::Lambda(_) | Val::Builtin(..))),
        Builtin::ToString => to_string(value),
        Builtin::AttrNames => {
            let set = closed(value)?;
            machine.burn(set.attrs.len())?;
            let names = set.attrs.keys().map(|name| machine.ready(Ok(Val::Str(Some(name.clone())))));
            Ok(Val::List(names.collect()))
        }
        Builtin::AttrValues => {
            let set = closed(value)?;
            machine.burn(set.attrs.len())?;
            Ok(Val::List(set.attrs.values().map(|attr| attr.thunk).collect()))
        }
        Builtin::ListToAttrs => list_to_attrs(machine, &list(value)?),
        Builtin::Length => Ok(Val::Int(list(value)?.len() as i64)),
        Builtin::Head => match list(value)?.first() {
            Some(&first) => machine.force(first),
            None => Err("the list is empty".into()),
        },
        Builtin::Throw | Builtin::Abort => Err("the file throws an error".into()),
        _ => Err("it has unsupported syntax".into()),
    }
}

fn two(machine: &mut Machine<'_, '_>, builtin: Builtin, first: ThunkId, second: ThunkId) -> Eval<Val> {
    match builtin {
        Builtin::Add => numbers(machine, "+", first, second),
        Builtin::Sub => numbers(machine, "-", first, second),
        Builtin::Mul => numbers(machine, "*", first, second),
        Builtin::Div => numbers(machine, "/", first, second),
        Builtin::LessThan => {
            let (left, right) = (machine.force(first)?, machine.force(second)?);
            ops::order(machine, &left, &right).map(|order| Val::Bool(order.is_lt()))
        }
        Builtin::HasAttr | Builtin::GetAttr => {
            let name = text(machine.force(first)?)?;
            let set = machine.force_set(second)?;
            match (set.attrs.get(&name), &set.open) {
                (Some(_), _) if builtin == Builtin::HasAttr => Ok(Val::Bool(true)),
                (Some(attr), _) => machine.force(attr.thunk),
                (None, Some(why)) => Err(why.clone()),
                (None, None) if builtin == Builtin::HasAttr => Ok(Val::Bool(false)),
                (None, None) => Err(format!("there is no attribute `{name}`").into()),
            }
        }
        Builtin::RemoveAttrs => {
            let set = machine.force_set(first)?;
            machine.burn(set.attrs.len())?;
            let mut set = (*set).clone();
            let names = list(machine.force(second)?)?;
            machine.burn(names.len())?;
            for &name in names.iter() {
                set.attrs.remove(&text(machine.force(name)?)?);
            }
            Ok(Val::Set(Rc::new(set)))
        }
        Builtin::IntersectAttrs => {
            let left = closed(machine.force(first)?)?;
            let set = machine.force_set(second)?;
            machine.burn(set.attrs.len())?;
            let mut set = (*set).clone();
            set.attrs.retain(|name, _| left.attrs.contains_key(name));
            Ok(Val::Set(Rc::new(set)))
        }
        Builtin::MapAttrs => {
            let set = machine.force_set(second)?;
            machine.burn(set.attrs.len())?;
            let mut mapped = Set { open: set.open.clone(), ..Set::default() };
            for (name, attr) in &set.attrs {
                let word = machine.ready(Ok(Val::Str(Some(name.clone()))));
                let function = machine.call_later(first, word);
                let thunk = machine.call_later(function, attr.thunk);
                mapped.attrs.insert(name.clone(), Attr { thunk, name_span: attr.name_span });
            }
            Ok(Val::Set(Rc::new(mapped)))
        }
        Builtin::Map => {
            let items = list(machine.force(second)?)?;
            machine.burn(items.len())?;
            Ok(Val::List(items.iter().map(|&item| machine.call_later(first, item)).collect()))
        }
        Builtin::GenList => match machine.force(second)? {
            Val::Int(count @ 0..=LONGEST) => {
                machine.burn(count as usize)?;
                let items: Vec<ThunkId> = (0..count).map(|index| machine.ready(Ok(Val::Int(index)))).collect();
                Ok(Val::List(items.into_iter().map(|item| machine.call_later(first, item)).collect()))
            }
            Val::Int(_) => Err("the list is too long".into()),
            other => Err(mismatch(&other, "an integer")),
        },
        Builtin::ElemAt => {
            let items = list(machine.force(first)?)?;
            let index = match machine.force(second)? {
                Val::Int(index) => usize::try_from(index).ok(),
                other => return Err(mismatch(&other, "an integer")),
            };
            match index.and_then(|index| items.get(index)) {
                Some(&item) => machine.force(item),
                None => Err("the list is too short".into()),
            }
        }
        Builtin::Filter => {
            let function = machine.force(first)?;
            let mut kept = Vec::new();
            let items = list(machine.force(second)?)?;
            machine.burn(items.len())?;
            for &item in items.iter() {
                match machine.call(function.clone(), item)? {
                    Val::Bool(true) => kept.push(item),
                    Val::Bool(false) => {}
                    other => return Err(mismatch(&other, "a boolean")),
                }
            }
            Ok(Val::List(kept.into()))
        }
        Builtin::Seq => {
            machine.force(first)?;
            machine.force(second)
        }
        // Forcing or printing does not change the value.
        Builtin::DeepSeq | Builtin::Trace => machine.force(second),
        _ => Err("it has unsupported syntax".into()),
    }
}

fn fold(machine: &mut Machine<'_, '_>, function: ThunkId, start: ThunkId, items: ThunkId) -> Eval<Val> {
    let function = machine.force(function)?;
    let mut state = start;
    let items = list(machine.force(items)?)?;
    machine.burn(items.len())?;
    for &item in items.iter() {
        let partial = machine.call(function.clone(), state)?;
        let value = machine.call(partial, item);
        state = machine.ready(value);
    }
    machine.force(state)
}

fn numbers(machine: &mut Machine<'_, '_>, operator: &str, left: ThunkId, right: ThunkId) -> Eval<Val> {
    let (left, right) = (machine.force(left)?, machine.force(right)?);
    match (&left, &right) {
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => ops::arithmetic(machine, operator, left, right),
        (Val::Int(_) | Val::Float(_), other) | (other, _) => Err(mismatch(other, "a number")),
    }
}

fn to_string(value: Val) -> Eval<Val> {
    let text = match value {
        Val::Int(number) => Some(number.to_string().into()),
        Val::Bool(true) => Some("1".into()),
        Val::Bool(false) | Val::Null => Some("".into()),
        Val::Str(text) => text,
        Val::Float(_) | Val::Path | Val::List(_) => None,
        other => return Err(mismatch(&other, "a string")),
    };
    Ok(Val::Str(text))
}

fn list_to_attrs(machine: &mut Machine<'_, '_>, items: &[ThunkId]) -> Eval<Val> {
    let mut attrs: BTreeMap<Rc<str>, Attr> = BTreeMap::new();
    machine.burn(items.len())?;
    for &item in items {
        let pair = machine.force_set(item)?;
        let (Some(name), Some(value)) = (pair.attrs.get("name"), pair.attrs.get("value")) else {
            return Err("a list element has no `name` or no `value`".into());
        };
        let word = text(machine.force(name.thunk)?)?;
        // Of two pairs with the same name, the first wins.
        attrs.entry(word).or_insert(*value);
    }
    Ok(Val::Set(Rc::new(Set { attrs, open: None })))
}

fn list(value: Val) -> Eval<Rc<[ThunkId]>> {
    match value {
        Val::List(items) => Ok(items),
        other => Err(mismatch(&other, "a list")),
    }
}

fn closed(value: Val) -> Eval<Rc<Set>> {
    match value {
        Val::Set(set) => match &set.open {
            Some(why) => Err(why.clone()),
            None => Ok(set),
        },
        other => Err(mismatch(&other, "a set")),
    }
}

fn text(value: Val) -> Eval<Rc<str>> {
    match value {
        Val::Str(Some(text)) => Ok(text),
        Val::Str(None) => Err("a name in it is computed".into()),
        other => Err(mismatch(&other, "a string")),
    }
}

//! Forms of Nix files, and the expected results of the fixes.

/// A file, and the expected result of the fixes.
pub struct Case {
    /// What the case covers.
    pub name: &'static str,
    /// A function that calls the file's value so that the result can be compared.
    pub call: &'static str,
    /// The file before the fixes.
    pub before: &'static str,
    /// The file after the fixes.
    pub after: &'static str,
}

const PLAIN: &str = "x: x";
const MODULE: &str =
    "f: f { config = { }; pkgs = { }; lib = { mkDefault = x: x; mkIf = c: x: x; toString = x: \"wrong\"; }; }";

/// All cases.
pub const CASES: &[Case] = &[
    Case {
        name: "a set",
        call: PLAIN,
        before: "{\n  port = 6379;\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  port = ports.databases.redis;\n}\n",
    },
    Case {
        name: "a set on one line",
        call: PLAIN,
        before: "{ port = 6379; }\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{ port = ports.databases.redis; }\n",
    },
    Case {
        name: "comments before the set",
        call: PLAIN,
        before: "# Redis\n\n/* more */\n{\n    port = 6379;\n}\n",
        after: "# Redis\n\n/* more */\nlet\n    ports = import ../lib/ports.nix;\nin\n{\n    port = ports.databases.redis;\n}\n",
    },
    Case {
        name: "a function head",
        call: MODULE,
        before: "{ config, lib, pkgs, ... }:\n\n{\n  port = lib.mkDefault 6379;\n}\n",
        after: "{ config, lib, pkgs, ... }:\n\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  port = lib.mkDefault ports.databases.redis;\n}\n",
    },
    Case {
        name: "a head with its set on the same line",
        call: MODULE,
        before: "{ lib, ... }: {\n  port = 6379;\n}\n",
        after: "{ lib, ... }: let\n  ports = import ../lib/ports.nix;\nin {\n  port = ports.databases.redis;\n}\n",
    },
    Case {
        name: "everything on one line",
        call: MODULE,
        before: "{ lib, ... }: { port = 6379; }\n",
        after: "{ lib, ... }: let ports = import ../lib/ports.nix; in { port = ports.databases.redis; }\n",
    },
    Case {
        name: "a default in the head",
        call: "f: f { }",
        before: "{ port ? 6379, other ? 1 }@args:\n{\n  inherit port args;\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{ port ? ports.databases.redis, other ? 1 }@args:\n{\n  inherit port args;\n}\n",
    },
    Case {
        name: "curried heads",
        call: "f: f 1 2",
        before: "final: prev:\n{\n  port = 6379;\n}\n",
        after: "final: prev:\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  port = ports.databases.redis;\n}\n",
    },
    Case {
        name: "an outer let",
        call: MODULE,
        before: "{ lib, ... }:\nlet\n  host = \"a\";\n\n  x = 6379;\nin\n{\n  port = x;\n  url = \"redis://${host}:6379/0\";\n}\n",
        after: "{ lib, ... }:\nlet\n  ports = import ../lib/ports.nix;\n  host = \"a\";\n\n  x = ports.databases.redis;\nin\n{\n  port = x;\n  url = \"redis://${host}:${toString ports.databases.redis}/0\";\n}\n",
    },
    Case {
        name: "a let on one line",
        call: PLAIN,
        before: "let x = 6379; in { port = x; }",
        after: "let ports = import ../lib/ports.nix; x = ports.databases.redis; in { port = x; }",
    },
    Case {
        name: "a let whose bindings begin on its line",
        call: PLAIN,
        before: "let x = 6379;\n    y = 2;\nin { port = x + y; }",
        after: "let ports = import ../lib/ports.nix;\n    x = ports.databases.redis;\n    y = 2;\nin { port = x + y; }",
    },
    Case {
        name: "comments in the let",
        call: PLAIN,
        before: "let # names\n  # the port\n  x = 6379; # redis\nin\nx\n",
        after: "let # names\n  ports = import ../lib/ports.nix;\n  # the port\n  x = ports.databases.redis; # redis\nin\nx\n",
    },
    Case {
        name: "a comment over several lines after let",
        call: PLAIN,
        before: "let /* a\n  b */ x = 6379;\nin x\n",
        after: "let /* a\n  b */ ports = import ../lib/ports.nix; x = ports.databases.redis;\nin x\n",
    },
    Case {
        name: "an empty let",
        call: PLAIN,
        before: "let in { port = 6379; }",
        after: "let ports = import ../lib/ports.nix; in { port = ports.databases.redis; }",
    },
    Case {
        name: "tabs",
        call: MODULE,
        before: "{ lib, ... }:\n{\n\tport = 6379;\n}\n",
        after: "{ lib, ... }:\nlet\n\tports = import ../lib/ports.nix;\nin\n{\n\tport = ports.databases.redis;\n}\n",
    },
    Case {
        name: "with and assert",
        call: MODULE,
        before: "{ lib, ... }:\n\nwith lib;\nassert true;\n{\n  port = mkDefault 6379;\n}\n",
        after: "{ lib, ... }:\n\nwith lib;\nassert true;\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  port = mkDefault ports.databases.redis;\n}\n",
    },
    Case {
        name: "in the condition of an assert",
        call: PLAIN,
        before: "assert 6379 > 1;\n{ }\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\nassert ports.databases.redis > 1;\n{ }\n",
    },
    Case {
        name: "a let inside the set is not used",
        call: PLAIN,
        before: "{\n  a = let y = 1; in 6379 + y;\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = let y = 1; in ports.databases.redis + y;\n}\n",
    },
    Case {
        name: "lists",
        call: PLAIN,
        before: "{\n  a = [ 6379 3000 \"465\" \"x\" ];\n  b = [6379];\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = [ ports.databases.redis ports.web.app (toString ports.mail.smtps) \"x\" ];\n  b = [ports.databases.redis];\n}\n",
    },
    Case {
        name: "arguments",
        call: MODULE,
        before: "{ lib, ... }:\n{\n  a = lib.mkIf true 6379;\n  b = lib.mkIf true \"6379\";\n  c = lib.mkDefault (\"6379\");\n  d = toString 6379;\n}\n",
        after: "{ lib, ... }:\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  a = lib.mkIf true ports.databases.redis;\n  b = lib.mkIf true (toString ports.databases.redis);\n  c = lib.mkDefault (toString ports.databases.redis);\n  d = toString ports.databases.redis;\n}\n",
    },
    Case {
        name: "whole strings",
        call: PLAIN,
        before: "{\n  a = \"6379\";\n  b = ''6379'';\n  c = \"6379\" + \"x\";\n  d = { }.x or \"6379\";\n  e = { }.x or 6379;\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = toString ports.databases.redis;\n  b = toString ports.databases.redis;\n  c = toString ports.databases.redis + \"x\";\n  d = { }.x or (toString ports.databases.redis);\n  e = { }.x or ports.databases.redis;\n}\n",
    },
    Case {
        name: "strings and their escapes",
        call: PLAIN,
        before: "{\n  a = \"\\${x}\\n\\\"localhost:6379\\\" $$ \\\\ 6379\";\n  b = \"${\"a:${toString 6379}\"}:3000\";\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = \"\\${x}\\n\\\"localhost:${toString ports.databases.redis}\\\" $$ \\\\ ${toString ports.databases.redis}\";\n  b = \"${\"a:${toString ports.databases.redis}\"}:${toString ports.web.app}\";\n}\n",
    },
    Case {
        name: "dollars before the digits",
        call: PLAIN,
        before: "{\n  a = \"$6379 $$6379\";\n  b = ''$6379 ''$6379 '6379' '''6379''' $$'6379'';\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = \"$6379 $$6379\";\n  b = ''$6379 ''$6379 '${toString ports.databases.redis}' '''${toString ports.databases.redis}''' $$'${toString ports.databases.redis}'';\n}\n",
    },
    Case {
        name: "escaped digits and other bases",
        call: PLAIN,
        before: "{\n  a = \"\\6379 06379 63790 16379\";\n  b = 06379;\n}\n",
        after: "{\n  a = \"\\6379 06379 63790 16379\";\n  b = 06379;\n}\n",
    },
    Case {
        name: "indented strings",
        call: PLAIN,
        before: "{\n  a = ''\n    6379\n      ''${HOME} listen 6379;\n    ''\\t ''' $$ ${\"x\"}:6379\n      '';\n  b = ''  6379'';\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = ''\n    ${toString ports.databases.redis}\n      ''${HOME} listen ${toString ports.databases.redis};\n    ''\\t ''' $$ ${\"x\"}:${toString ports.databases.redis}\n      '';\n  b = ''  ${toString ports.databases.redis}'';\n}\n",
    },
    Case {
        name: "attribute names",
        call: PLAIN,
        before: "{\n  ExposedPorts.\"3000/tcp\" = { };\n  ExposedPorts.\"465/tcp\" = { };\n  master = { \"465\" = { x = 1; }; };\n  has = { \"3000/udp\" = 1; } ? \"3000/udp\";\n  got = { \"3000\" = 1; }.\"3000\";\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  ExposedPorts.\"${toString ports.web.app}/tcp\" = { };\n  ExposedPorts.\"${toString ports.mail.smtps}/tcp\" = { };\n  master = { \"${toString ports.mail.smtps}\" = { x = 1; }; };\n  has = { \"${toString ports.web.app}/udp\" = 1; } ? \"${toString ports.web.app}/udp\";\n  got = { \"${toString ports.web.app}\" = 1; }.\"${toString ports.web.app}\";\n}\n",
    },
    Case {
        name: "attribute names that must be static",
        call: PLAIN,
        before: "let\n  \"465\" = 1;\n  a.\"465\" = 1;\nin\nrec {\n  \"465\" = 1;\n  b.\"465\".x = 1;\n  b.\"465\".y = 1;\n  c.\"465\" = { x = 1; };\n  c.\"465\".y = 2;\n  inherit ({ \"465/tcp\" = 1; }) \"465/tcp\";\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\n  \"465\" = 1;\n  a.\"465\" = 1;\nin\nrec {\n  \"${toString ports.mail.smtps}\" = 1;\n  b.\"465\".x = 1;\n  b.\"465\".y = 1;\n  c.\"465\" = { x = 1; };\n  c.\"465\".y = 2;\n  inherit ({ \"${toString ports.mail.smtps}/tcp\" = 1; }) \"465/tcp\";\n}\n",
    },
    Case {
        name: "attribute names in sets that the parser does not merge",
        call: PLAIN,
        before: "{\n  a = { \"3000/tcp\" = 1; } // { \"3000/tcp\" = 2; };\n  b = [ { \"465\".x = 1; } { \"465\".y = 2; } ];\n  c = ({ \"465\".x = 1; });\n  c.\"465\".y = 2;\n  d = rec { p = 1; app-3000 = p; \"x-3000\" = p; \"3000/udp\" = app-3000; };\n  e.z = 2;\n  e = { \"465\" = 1; f = { \"465\" = 2; }; };\n  g = { \"465\" = 1; };\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = { \"${toString ports.web.app}/tcp\" = 1; } // { \"${toString ports.web.app}/tcp\" = 2; };\n  b = [ { \"${toString ports.mail.smtps}\".x = 1; } { \"${toString ports.mail.smtps}\".y = 2; } ];\n  c = ({ \"465\".x = 1; });\n  c.\"465\".y = 2;\n  d = rec { p = 1; app-3000 = p; \"x-3000\" = p; \"${toString ports.web.app}/udp\" = app-3000; };\n  e.z = 2;\n  e = { \"465\" = 1; f = { \"465\" = 2; }; };\n  g = { \"${toString ports.mail.smtps}\" = 1; };\n}\n",
    },
    Case {
        name: "the registry is already known",
        call: MODULE,
        before: "{ lib, ... }:\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  a = 6379;\n  b = ports.web.app;\n}\n",
        after: "{ lib, ... }:\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  a = ports.databases.redis;\n  b = ports.web.app;\n}\n",
    },
    Case {
        name: "the registry is known under another name",
        call: PLAIN,
        before: "let\n  registry = import (../lib + \"/ports.nix\");\n  inherit (registry) web;\n  mail = (registry).mail;\nin\n{\n  a = 6379;\n  b = 3000;\n  c = 465;\n  inherit web mail;\n}\n",
        after: "let\n  registry = import (../lib + \"/ports.nix\");\n  inherit (registry) web;\n  mail = (registry).mail;\nin\n{\n  a = registry.databases.redis;\n  b = registry.web.app;\n  c = registry.mail.smtps;\n  inherit web mail;\n}\n",
    },
    Case {
        name: "a part of the registry is known",
        call: PLAIN,
        before: "let\n  inherit (import ../lib/ports.nix) web;\nin\n{\n  b = 3000;\n  c = \"x:3001\";\n}\n",
        after: "let\n  inherit (import ../lib/ports.nix) web;\nin\n{\n  b = web.app;\n  c = \"x:${toString web.\"my app\"}\";\n}\n",
    },
    Case {
        name: "another file's ports",
        call: PLAIN,
        before: "let\n  ports = import ./ports.nix;\nin\n{\n  a = 6379;\n  b = ports.x;\n}\n",
        after: "let\n  portRegistry = import ../lib/ports.nix;\n  ports = import ./ports.nix;\nin\n{\n  a = portRegistry.databases.redis;\n  b = ports.x;\n}\n",
    },
    Case {
        name: "ports is an argument",
        call: "f: f { ports = { x = 1; }; }",
        before: "{ ports, ... }:\n{\n  a = 6379;\n  b = ports.x;\n}\n",
        after: "{ ports, ... }:\nlet\n  portRegistry = import ../lib/ports.nix;\nin\n{\n  a = portRegistry.databases.redis;\n  b = ports.x;\n}\n",
    },
    Case {
        name: "ports names all arguments, and portRegistry is also taken",
        call: "f: f { x = 1; }",
        before: "ports@{ x, ... }:\nlet\n  portRegistry = 2;\nin\n{\n  a = 6379;\n  b = ports.x + portRegistry;\n}\n",
        after: "ports@{ x, ... }:\nlet\n  registeredPorts = import ../lib/ports.nix;\n  portRegistry = 2;\nin\n{\n  a = registeredPorts.databases.redis;\n  b = ports.x + portRegistry;\n}\n",
    },
    Case {
        name: "ports comes from a with",
        call: PLAIN,
        before: "with { ports = { x = 7; }; };\n{\n  a = 6379;\n  b = ports.x;\n}\n",
        after: "with { ports = { x = 7; }; };\nlet\n  portRegistry = import ../lib/ports.nix;\nin\n{\n  a = portRegistry.databases.redis;\n  b = ports.x;\n}\n",
    },
    Case {
        name: "ports is inherited from a with",
        call: PLAIN,
        before: "with { ports = 7; };\n{\n  a = 6379;\n  inherit ports;\n}\n",
        after: "with { ports = 7; };\nlet\n  portRegistry = import ../lib/ports.nix;\nin\n{\n  a = portRegistry.databases.redis;\n  inherit ports;\n}\n",
    },
    Case {
        name: "ports is an attribute of a rec set",
        call: PLAIN,
        before: "rec {\n  ports = [ 6379 ];\n  a = 6379;\n  b = builtins.head ports;\n}\n",
        after: "let\n  portRegistry = import ../lib/ports.nix;\nin\nrec {\n  ports = [ portRegistry.databases.redis ];\n  a = portRegistry.databases.redis;\n  b = builtins.head ports;\n}\n",
    },
    Case {
        name: "ports as a plain attribute does not conflict",
        call: PLAIN,
        before: "{\n  ports = [ \"6379:6379\" ];\n  x = { ports = 1; }.ports;\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  ports = [ \"${toString ports.databases.redis}:${toString ports.databases.redis}\" ];\n  x = { ports = 1; }.ports;\n}\n",
    },
    Case {
        name: "the import is in another scope",
        call: PLAIN,
        before: "{\n  a = let ports = import ../lib/ports.nix; in ports.web.app;\n  b = 6379;\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = let ports = import ../lib/ports.nix; in ports.web.app;\n  b = ports.databases.redis;\n}\n",
    },
    Case {
        name: "toString means something else",
        call: PLAIN,
        before: "let\n  toString = x: \"wrong\";\nin\n{\n  a = \"x:6379\";\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\n  toString = x: \"wrong\";\nin\n{\n  a = \"x:${builtins.toString ports.databases.redis}\";\n}\n",
    },
    Case {
        name: "a with does not change toString",
        call: MODULE,
        before: "{ lib, ... }:\nwith lib;\n{\n  a = \"x:6379\";\n}\n",
        after: "{ lib, ... }:\nwith lib;\nlet\n  ports = import ../lib/ports.nix;\nin\n{\n  a = \"x:${toString ports.databases.redis}\";\n}\n",
    },
    Case {
        name: "names that need quotes",
        call: PLAIN,
        before: "{\n  a = 3001;\n  b = \"x:3002\";\n  c = [ 3001 ];\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = ports.web.\"my app\";\n  b = \"x:${toString ports.web.or}\";\n  c = [ ports.web.\"my app\" ];\n}\n",
    },
    Case {
        name: "digits next to other tokens",
        call: PLAIN,
        before: "{a=6379;b=if true then(6379)else 1;c=6379-1;d=6379 -1;e=(x: x)6379;f=(x: x)\"6379\";g=-6379;}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{a=ports.databases.redis;b=if true then(ports.databases.redis)else 1;c=(ports.databases.redis)-1;d=ports.databases.redis -1;e=(x: x)ports.databases.redis;f=(x: x)(toString ports.databases.redis);g=-6379;}\n",
    },
    Case {
        name: "an address without quotes",
        call: PLAIN,
        before: "{\n  a = redis://localhost:6379/0;\n  b = [ http://localhost:3000 ];\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = \"redis://localhost:${toString ports.databases.redis}/0\";\n  b = [ \"http://localhost:${toString ports.web.app}\" ];\n}\n",
    },
    Case {
        name: "comments are not changed",
        call: PLAIN,
        before: "{\n  # 6379\n  a = /* 6379 */ 1;\n}\n",
        after: "{\n  # 6379\n  a = /* 6379 */ 1;\n}\n",
    },
    Case {
        name: "nested interpolation in an indented string",
        call: PLAIN,
        before: "{\n  a = ''\n    ${if true then ''\n      x 6379\n    '' else \"6379\"}\n  '';\n}\n",
        after: "let\n  ports = import ../lib/ports.nix;\nin\n{\n  a = ''\n    ${if true then ''\n      x ${toString ports.databases.redis}\n    '' else toString ports.databases.redis}\n  '';\n}\n",
    },
    Case {
        name: "generated files",
        call: PLAIN,
        before: "# Do not modify this file! It was generated.\n{ a = 6379; }\n",
        after: "# Do not modify this file! It was generated.\n{ a = 6379; }\n",
    },
    Case {
        name: "a body in parentheses",
        call: "f: f { }",
        before: "{ ... }: ({\n  a = 6379;\n})\n",
        after: "{ ... }: let\n  ports = import ../lib/ports.nix;\nin ({\n  a = ports.databases.redis;\n})\n",
    },
];

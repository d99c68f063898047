//! The grammars' node and field names as one enumeration each, so that checks match on constants.

use std::sync::OnceLock;

use super::Language;
use super::languages::LANGUAGES;

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            /// A node that no check uses.
            None,
            /// A syntax error.
            Error,
            $(#[doc = concat!("The grammar's `", $text, "`.")] $variant),*
        }

        impl $name {
            fn from_grammar(text: &str) -> Self {
                match text { $($text => Self::$variant,)* _ => Self::None }
            }
        }
    };
}

table! {
    /// Kinds of nodes. `None` is a kind that no check uses.
    NodeKind {
        // Nix
        SourceCode "source_code" Comment "comment" Identifier "identifier" Integer "integer_expression"
        Float "float_expression" Path "path_expression" HomePath "hpath_expression" SearchPath "spath_expression"
        PathFragment "path_fragment" Uri "uri_expression" String "string_expression"
        IndentedString "indented_string_expression" StringFragment "string_fragment"
        Escape "escape_sequence" DollarEscape "dollar_escape" Interpolation "interpolation"
        Attrset "attrset_expression" RecAttrset "rec_attrset_expression" LetAttrset "let_attrset_expression"
        Let "let_expression" Function "function_expression" Formals "formals" Formal "formal"
        Ellipses "ellipses" With "with_expression" Assert "assert_expression" If "if_expression"
        Apply "apply_expression" Unary "unary_expression" Binary "binary_expression"
        Select "select_expression" HasAttr "has_attr_expression" Variable "variable_expression"
        Parenthesized "parenthesized_expression" List "list_expression" BindingSet "binding_set"
        Binding "binding" Inherit "inherit" InheritFrom "inherit_from" InheritedAttrs "inherited_attrs"
        Attrpath "attrpath"
        // Operators that a check uses.
        Plus "+" Minus "-" Times "*" Divide "/" Concat "++" Update "//" Not "!" NotEqual "!=" Equal "=="
        PipeInto "|>" PipeFrom "<|"
        // YAML
        Stream "stream" Document "document" BlockNode "block_node" FlowNode "flow_node"
        BlockMapping "block_mapping" BlockMappingPair "block_mapping_pair" BlockSequence "block_sequence"
        BlockSequenceItem "block_sequence_item" BlockScalar "block_scalar" FlowMapping "flow_mapping"
        FlowPair "flow_pair" FlowSequence "flow_sequence" PlainScalar "plain_scalar"
        SingleQuoteScalar "single_quote_scalar" DoubleQuoteScalar "double_quote_scalar"
        StringScalar "string_scalar" IntegerScalar "integer_scalar" FloatScalar "float_scalar"
        BooleanScalar "boolean_scalar" NullScalar "null_scalar" TimestampScalar "timestamp_scalar"
        Alias "alias" AliasName "alias_name" Anchor "anchor" AnchorName "anchor_name" Tag "tag"
        // Dockerfile
        SourceFile "source_file" FromInstruction "from_instruction" RunInstruction "run_instruction"
        CmdInstruction "cmd_instruction" EntrypointInstruction "entrypoint_instruction"
        EnvInstruction "env_instruction" ArgInstruction "arg_instruction" ExposeInstruction "expose_instruction"
        HealthcheckInstruction "healthcheck_instruction" OnbuildInstruction "onbuild_instruction"
        ShellInstruction "shell_instruction" CopyInstruction "copy_instruction" AddInstruction "add_instruction"
        LabelInstruction "label_instruction" UserInstruction "user_instruction"
        WorkdirInstruction "workdir_instruction" VolumeInstruction "volume_instruction"
        StopsignalInstruction "stopsignal_instruction" EnvPair "env_pair" ArgPair "arg_pair"
        ExposePort "expose_port" ShellCommand "shell_command" JsonStringArray "json_string_array"
        JsonString "json_string" UnquotedString "unquoted_string" DoubleQuotedString "double_quoted_string"
        SingleQuotedString "single_quoted_string" Expansion "expansion" ExpansionModifier "expansion_modifier"
        ImageSpec "image_spec" ImageName "image_name" ImageTag "image_tag" ImageAlias "image_alias"
        HeredocBlock "heredoc_block" HeredocContent "heredoc_content" LineContinuation "line_continuation"
        Param "param" DockerPath "path"
        // JSON
        JsonObject "object" JsonPair "pair" JsonArray "array" JsonText "string" JsonContent "string_content"
        JsonNumber "number" JsonTrue "true" JsonFalse "false"
    }
}

table! {
    /// Fields of nodes. `None` means that there is no field, or one that no check uses.
    Field {
        Attr "attr" Attrpath "attrpath" Expression "expression" Function "function" Argument "argument"
        Body "body" Left "left" Right "right" Operator "operator" Name "name" Default "default" Key "key"
        Value "value" Formals "formals" Universal "universal" Condition "condition"
        Consequence "consequence" Alternative "alternative" Environment "environment" Element "element"
        Attrs "attrs" Formal "formal" Binding "binding" Ellipses "ellipses" As "as" Tag "tag" Digest "digest"
    }
}

/// The mapping from a grammar's ids to these constants.
pub(super) struct Names {
    kinds: Vec<NodeKind>,
    fields: Vec<Field>,
}

impl Names {
    fn new(language: Language) -> Self {
        let grammar = language.grammar();
        let kinds = (0..grammar.node_kind_count() as u16)
            .map(|id| grammar.node_kind_for_id(id).map_or(NodeKind::None, NodeKind::from_grammar))
            .collect();
        let fields = (0..=grammar.field_count() as u16)
            .map(|id| grammar.field_name_for_id(id).map_or(Field::None, Field::from_grammar))
            .collect();
        Self { kinds, fields }
    }

    pub(super) fn kind(&self, id: u16) -> NodeKind {
        self.kinds.get(id as usize).copied().unwrap_or(NodeKind::None)
    }

    pub(super) fn field(&self, id: Option<std::num::NonZeroU16>) -> Field {
        id.and_then(|id| self.fields.get(id.get() as usize).copied()).unwrap_or(Field::None)
    }
}

pub(super) fn names(language: Language) -> &'static Names {
    static NAMES: [OnceLock<Names>; LANGUAGES.len()] = [const { OnceLock::new() }; LANGUAGES.len()];
    NAMES[language as usize].get_or_init(|| Names::new(language))
}

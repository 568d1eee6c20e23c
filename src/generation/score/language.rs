//! Which language a file is in: by its name, else by the interpreter that its first line names.

use std::path::Path;

use tokei::LanguageType;

use super::grammar::Grammar;

/// How a C header is labelled until the whole repository is known; see [`super::assemble`].
pub const C_HEADER: &str = "C Header";

/// The language that the name of the file tells; nothing is read from the disk.
#[must_use]
pub fn by_path(path: &str) -> Option<LanguageType> {
    let name = path.rsplit('/').next()?.to_ascii_lowercase();
    // A template of a file is in the file's language.
    let name = name.strip_suffix(".in").filter(|rest| rest.contains('.') || *rest == "makefile").unwrap_or(&name);
    match name {
        "license" | "licence" | "copying" | "notice" | "authors" | "readme" | "changelog" => {
            return Some(LanguageType::Text);
        }
        "gemfile" | "podfile" | "vagrantfile" | "fastfile" => return Some(LanguageType::Ruby),
        "jenkinsfile" => return Some(LanguageType::Groovy),
        _ => {}
    }
    // These endings mean something else in most repositories than tokei's Autoconf and Snakemake.
    if matches!(name.rsplit_once('.'), Some((_, "in" | "rules"))) {
        return None;
    }
    // For a name that it does not know tokei opens the file to look for an interpreter. Nothing under /dev/null can
    // be opened, so that only the name counts.
    LanguageType::from_path(Path::new("/dev/null").join(name), &tokei::Config::default())
}

/// The language of a script by its first line, `#!/usr/bin/env python3`.
#[must_use]
pub fn by_shebang(content: &[u8]) -> Option<LanguageType> {
    let line = content.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let line = std::str::from_utf8(line.get(..line.len().min(256))?).ok()?;
    let program = line
        .split_ascii_whitespace()
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .find(|word| *word != "env" && !word.starts_with('-') && !word.contains('='))?;
    Some(match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" => LanguageType::Sh,
        "python" | "pypy" => LanguageType::Python,
        "node" | "nodejs" | "bun" => LanguageType::JavaScript,
        "deno" | "ts-node" | "tsx" => LanguageType::TypeScript,
        "ruby" => LanguageType::Ruby,
        "perl" => LanguageType::Perl,
        "php" => LanguageType::Php,
        "lua" | "luajit" => LanguageType::Lua,
        "awk" | "gawk" | "mawk" => LanguageType::AWK,
        "tclsh" | "wish" | "expect" => LanguageType::Tcl,
        "fish" => LanguageType::Fish,
        "Rscript" => LanguageType::R,
        "julia" => LanguageType::Julia,
        "groovy" => LanguageType::Groovy,
        "escript" => LanguageType::Erlang,
        "elixir" => LanguageType::Elixir,
        "make" => LanguageType::Makefile,
        _ => return None,
    })
}

/// The name as GitHub shows it; dialects that it counts as one language share a name.
#[must_use]
pub fn name(language: LanguageType) -> &'static str {
    use LanguageType as L;
    match language {
        L::Jsx => "JavaScript",
        L::Tsx => "TypeScript",
        L::CHeader => C_HEADER,
        L::CppHeader | L::CppModule | L::Arduino => "C++",
        L::Bash | L::Sh | L::Zsh | L::Ksh => "Shell",
        L::CShell => "Tcsh",
        L::Fish => "fish",
        L::FortranLegacy | L::FortranModern => "Fortran",
        L::Assembly | L::AssemblyGAS => "Assembly",
        L::Automake => "Makefile",
        L::Rakefile => "Ruby",
        L::RubyHtml => "HTML+ERB",
        L::Jupyter => "Jupyter Notebook",
        L::AWK => "Awk",
        L::AutoHotKey => "AutoHotkey",
        L::Tcl => "Tcl",
        L::Sml => "Standard ML",
        L::Gherkin => "Gherkin",
        L::ReStructuredText => "reStructuredText",
        L::Protobuf => "Protocol Buffer",
        L::VisualBasic => "Visual Basic .NET",
        L::LinkerScript => "Linker Script",
        L::Metal => "Metal",
        L::WGSL => "WGSL",
        L::RON => "RON",
        L::Text => "Text",
        other => other.name(),
    }
}

/// Whether it is data, prose, markup or configuration: counted, but neither scored nor the language of a repository
/// that has code, too.
#[must_use]
pub fn is_not_code(language: LanguageType) -> bool {
    use LanguageType as L;
    matches!(
        language,
        L::AsciiDoc
            | L::AvaloniaXaml
            | L::Bean
            | L::Css
            | L::Djot
            | L::DotNetResource
            | L::Edn
            | L::EmacsDevEnv
            | L::FEN
            | L::ForgeConfig
            | L::Gohtml
            | L::GodotTextScene
            | L::Graphql
            | L::Hex
            | L::Hledger
            | L::Html
            | L::Ini
            | L::IntelHex
            | L::Jinja2
            | L::Json
            | L::Less
            | L::Liquid
            | L::Markdown
            | L::Mdx
            | L::MsBuild
            | L::Mustache
            | L::Handlebars
            | L::NuGetConfig
            | L::Org
            | L::PlantUml
            | L::Po
            | L::PostCss
            | L::Protobuf
            | L::RON
            | L::ReStructuredText
            | L::RubyHtml
            | L::Sass
            | L::Sql
            | L::Stylus
            | L::Svg
            | L::Tera
            | L::Tex
            | L::Text
            | L::Toml
            | L::Twig
            | L::Typst
            | L::UnrealDeveloperMarkdown
            | L::UnrealPlugin
            | L::UnrealProject
            | L::VisualStudioProject
            | L::VisualStudioSolution
            | L::Xaml
            | L::XcodeConfig
            | L::Xml
            | L::Yaml
    )
}

/// The grammar that parses it, where we have one.
#[must_use]
pub const fn grammar(language: LanguageType) -> Option<Grammar> {
    Some(match language {
        LanguageType::Rust => Grammar::Rust,
        LanguageType::Python => Grammar::Python,
        LanguageType::JavaScript | LanguageType::Jsx => Grammar::JavaScript,
        LanguageType::TypeScript => Grammar::TypeScript,
        LanguageType::Tsx => Grammar::Tsx,
        LanguageType::Go => Grammar::Go,
        LanguageType::Java => Grammar::Java,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_githubs() {
        for (path, expected) in [
            ("a/b.rs", "Rust"),
            ("a.PY", "Python"),
            ("x.tsx", "TypeScript"),
            ("x.mts", "TypeScript"),
            ("x.jsx", "JavaScript"),
            ("x.mjs", "JavaScript"),
            ("x.cpp", "C++"),
            ("x.hpp", "C++"),
            ("x.cs", "C#"),
            ("run.sh", "Shell"),
            ("run.zsh", "Shell"),
            ("Makefile", "Makefile"),
            ("docker/Dockerfile", "Dockerfile"),
            ("CMakeLists.txt", "CMake"),
            ("README.md", "Markdown"),
            ("LICENSE", "Text"),
            ("x.java", "Java"),
            ("config.h.in", "C Header"),
            ("Makefile.in", "Makefile"),
            ("go/main.go", "Go"),
        ] {
            assert_eq!(by_path(path).map(name), Some(expected), "{path}");
        }
        assert_eq!(by_path("bin/tool"), None);
        assert_eq!(by_path("testdata/huffman.in"), None);
        assert_eq!(by_path("etc/passwd"), None, "no file of this machine is looked at");
    }

    #[test]
    fn scripts_are_known_by_their_interpreter() {
        for (content, expected) in [
            ("#!/bin/sh\n", Some("Shell")),
            ("#!/usr/bin/env -S python3.11 -u\nx", Some("Python")),
            ("#!/usr/bin/env A=1 node\n", Some("JavaScript")),
            ("#! /usr/bin/perl -w\n", Some("Perl")),
            ("#!\n", None),
            ("#!/opt/thing\n", None),
            ("no script", None),
        ] {
            assert_eq!(by_shebang(content.as_bytes()).map(name), expected, "{content:?}");
        }
    }

    #[test]
    fn prose_and_data_are_no_code() {
        for language in [LanguageType::Markdown, LanguageType::Json, LanguageType::Html, LanguageType::Css] {
            assert!(is_not_code(language), "{language}");
        }
        for language in [LanguageType::Rust, LanguageType::Sh, LanguageType::Cpp, LanguageType::Vue] {
            assert!(!is_not_code(language), "{language}");
        }
    }
}

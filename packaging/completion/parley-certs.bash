# Bash completion for parley-certs.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
_parley_certs() {
    local cur prev words cword out='' word
    _get_comp_words_by_ref -n := cur prev words cword || return
    for ((word = 1; word < cword - 1; word++)); do
        [[ ${words[word]} != --out ]] || out=${words[word + 1]}
    done
    case $prev in
        --out) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames ;;
        --sign) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames ;;
        --renew | --revoke)
            mapfile -t COMPREPLY < <(cd -- "${out:-.}" 2>/dev/null && compgen -G "$cur*.pem" | sed 's/\.pem$//')
            ;;
        --host | --server | --client | --days | --passphrase-fd | --request) ;;
        *) mapfile -t COMPREPLY < <(compgen -W "--out --host --server --client --days --self-signed --force --encrypt
            --passphrase-fd --renew --new-key --request --sign --revoke --crl --list --successor --help" -- "$cur") ;;
    esac
} && complete -F _parley_certs parley-certs

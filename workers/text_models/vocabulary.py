"""Tokenizers of directories from before `tokenizer.json`.

`vocab.txt` of BERT and its kin (WordPiece), `vocab.json` with `merges.txt` of RoBERTa and its kin (byte-level BPE).
They are put together as transformers does it for these classes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

from schemas.errors import SpecError
from workers.models.files import JSON_LIMIT

WORDPIECE = ("vocab.txt",)
BPE = ("vocab.json", "merges.txt")

_BERT_TOKENS = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA_TOKENS = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "cls_token": "<s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}


def has_vocabulary(directory: Path) -> bool:
    """Whether the files of either kind are there. Raises SpecError for one of absurd size."""
    for names in (WORDPIECE, BPE):
        paths = [directory / name for name in names]
        if all(path.is_file() for path in paths):
            for path in paths:
                if path.stat().st_size > JSON_LIMIT:
                    raise SpecError(f"{path}: larger than {JSON_LIMIT} bytes, which no vocabulary is")
            return True
    return False


def from_vocabulary(directory: Path, config: Mapping[str, Any]) -> Any:
    """The tokenizer of the files that are there; `config` is `tokenizer_config.json`. Raises SpecError if damaged."""
    bert = all((directory / name).is_file() for name in WORDPIECE)
    names = WORDPIECE if bert else BPE
    try:
        tokenizer = _wordpiece(directory, config) if bert else _bpe(directory, config)
    except Exception as error:  # the library raises nothing narrower
        where = " and ".join(names)
        raise SpecError(f"{directory}: {where} cannot be read as a vocabulary ({str(error)[:200]})") from error
    return tokenizer


def token_of(config: Mapping[str, Any], key: str, default: str) -> str:
    """The text of a special token as `tokenizer_config.json` has it."""
    token = config.get(key) or default
    return str(token["content"]) if isinstance(token, Mapping) else str(token)


def _wordpiece(directory: Path, config: Mapping[str, Any]) -> Any:
    words = models.WordPiece.read_file(str(directory / WORDPIECE[0]))
    tokens = {key: token_of(config, key, default) for key, default in _BERT_TOKENS.items()}
    tokenizer: Any = Tokenizer(models.WordPiece(words, unk_token=tokens["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(dict.fromkeys(tokens.values())))
    ends = [(tokens[key], words[tokens[key]]) for key in ("cls_token", "sep_token")]
    single = f"{tokens['cls_token']}:0 $A:0 {tokens['sep_token']}:0"
    tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=ends)
    return tokenizer


def _bpe(directory: Path, config: Mapping[str, Any]) -> Any:
    words, merges = models.BPE.read_file(*(str(directory / name) for name in BPE))
    model = models.BPE(words, merges, continuing_subword_prefix="", end_of_word_suffix="", fuse_unk=False)
    tokenizer: Any = Tokenizer(model)
    tokens = {key: token_of(config, key, default) for key, default in _ROBERTA_TOKENS.items()}
    mask = tokens.pop("mask_token")
    given = config.get("mask_token")
    takes_space = bool(given.get("lstrip")) if isinstance(given, Mapping) else True
    added = [AddedToken(token, special=True) for token in dict.fromkeys(tokens.values())]
    tokenizer.add_special_tokens([*added, AddedToken(mask, lstrip=takes_space, special=True)])
    return tokenizer

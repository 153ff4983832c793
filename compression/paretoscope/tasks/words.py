"""Words of a text in any script: between white space, or the characters of scripts without spaces.

Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan and related scripts write no spaces between
words, so each of their characters is counted as a word.
"""

from __future__ import annotations

import re

_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u109f"  # Tibetan, Burmese
    "\u1780-\u17ff\u1950-\u1aaf"  # Khmer, Tai Le, New Tai Lue, Tai Tham
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u312f\u31a0-\u31ff"  # radicals, kana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf"  # Han, Yi
    "\ua9e0-\ua9ff\uaa60-\uaadf"  # Burmese extensions, Tai Viet
    "\uf900-\ufaff\uff66-\uff9f"  # Han compatibility, half-width kana
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"  # kana and Han supplements
    "]"
)


def words(text: str) -> list[str]:
    """The words between white space, and single characters of scripts without spaces, in order.

    >>> words("two words"), words("GPT 大语言"), words("ภาษา")
    (['two', 'words'], ['GPT', '大', '语', '言'], ['ภ', 'า', 'ษ', 'า'])
    """
    return (text if text.isascii() else _UNSPACED.sub(r" \g<0> ", text)).split()

"""What a distribution says of its licence, as an SPDX expression, and whether we may use it.

Shape   declared(metadata) -> expression, or None: License-Expression, else License, else the classifiers;
        permitted(expression, allowed) -> bool
Errors  none: what says nothing, or nothing that is understood, is None, and what is not understood is not permitted
Source  PEP 639; the classifiers' and the older field's spellings that are met among what we install
"""

from importlib.metadata import PackageMetadata

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

SPELLINGS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "PSFL": "PSF-2.0",
}
"""Of the field License, which is free text. "BSD" is none of them: it does not say which."""

CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def declared(metadata: PackageMetadata) -> str | None:
    """The licence that the distribution declares."""
    for text in metadata.get_all("License-Expression", []) + metadata.get_all("License", []):
        try:
            return canonicalize_license_expression(SPELLINGS.get(text, text))
        except InvalidLicenseExpression:
            continue
    named = {CLASSIFIERS.get(one) for one in metadata.get_all("Classifier", []) if one.startswith("License ::")}
    return named.pop() if len(named) == 1 else None


def permitted(expression: str, allowed: frozenset[str]) -> bool:
    """Whether one alternative's licences are all allowed. Neither brackets nor WITH are understood."""
    alternatives = [one.split(" AND ") for one in expression.split(" OR ")]
    if len(alternatives) > 1 and any(len(one) > 1 for one in alternatives):
        return False
    return any(allowed.issuperset(one) for one in alternatives)

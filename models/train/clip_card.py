"""The card that stands beside a heart head."""

from ..heads.clip_head import ClipHead


def clip_card(head: ClipHead) -> str:
    """Markdown: what it is, what it was made of, what it may be asked."""
    recipe, found = head.recipe, head.calibration
    timing = recipe.timing
    at_one_percent = found.positive_predictive_value(0.01)
    return f"""# Model card: heart head

Four-chamber clips: how likely the heart has a defect, with an interval, or an abstention.
**Research use only. Not a medical device. No diagnosis.**

| | |
| --- | --- |
| trained on | {recipe.trained_on}: {recipe.patients} patients, {recipe.clips} clips |
| normal | {recipe.normal} |
| affected | {", ".join(recipe.affected)} |
| share affected | {found.prevalence:.3f} |
| reads | {timing.frames} frames over {timing.seconds:g} s |
| embedded by | {recipe.encoder.name} {recipe.encoder.version}, sha256 `{recipe.encoder.sha256}` |
| network | {recipe.net}, {len(head.members)} members, width {recipe.width} |

Calibrated (Platt) on patients that the member asked had not seen. At the threshold, counted on the same patients:
sensitivity {found.sensitivity:.3f}, specificity {found.specificity:.3f}. Where 1 % of hearts are affected, that makes a
call right in {at_one_percent:.1%} of cases: it is no alarm.

It abstains when its {found.level:.0%} interval holds the threshold, when its members disagree (spread above
{found.max_spread:.2f} in log odds), and when hearts are unlike those of training (distance above
{found.max_distance:.2f}, 1 being usual).

    fetalstream evaluate chd --manifest clips.csv --head FILE

judges it on cines that it has not seen, and refuses those it was trained on.
"""

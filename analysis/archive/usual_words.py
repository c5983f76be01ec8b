"""The words of the settings as they come, compiled once for all workers: the server that forks them imports this last."""

import pydicom

from analysis.archive import describe
from analysis.archive.settings import IngestSettings

_settings, _of_nothing = IngestSettings(), pydicom.Dataset()
# Words that fit no pattern, so that each of them is tried.
_of_nothing.StudyDescription = _of_nothing.SeriesDescription = _of_nothing.BodyPartExamined = "-"
for _of in (describe.view, describe.side, describe.protocol, describe.body_part):
    _of(_of_nothing, _settings)

"""What the console keeps."""

from console.models.displays import CODE_LIFE as CODE_LIFE
from console.models.displays import DisplayKey as DisplayKey
from console.models.displays import DisplayKeyQuerySet as DisplayKeyQuerySet
from console.models.displays import key_hash as key_hash
from console.models.exports import UNDER_WAY as UNDER_WAY
from console.models.exports import Export as Export
from console.models.exports import ExportedList as ExportedList
from console.models.exports import ExportState as ExportState
from console.models.exports import SheetFormat as SheetFormat

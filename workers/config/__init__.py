"""`switchboard.toml`: read once at start-up, checked whole, then a frozen value.

Owns the file's form, its errors and its warnings. Knows no AWS and no environment: what a process
is wired to is in `workers.settings`.
"""

from workers.config.bounces import BounceRules as BounceRules
from workers.config.configuration import Configuration as Configuration
from workers.config.findings import Finding as Finding
from workers.config.loading import Inspection as Inspection
from workers.config.loading import InvalidConfigurationError as InvalidConfigurationError
from workers.config.loading import Loaded as Loaded
from workers.config.loading import RuntimeShape as RuntimeShape
from workers.config.loading import UnreadableConfigurationError as UnreadableConfigurationError
from workers.config.loading import inspect as inspect
from workers.config.loading import inspect_content as inspect_content
from workers.config.loading import load as load
from workers.config.loading import loaded as loaded
from workers.config.loading import read as read
from workers.config.location import ObjectVersion as ObjectVersion
from workers.config.location import locate as locate
from workers.config.profiles import ObjectKind as ObjectKind
from workers.config.profiles import ObjectMapping as ObjectMapping
from workers.config.profiles import PersonKey as PersonKey
from workers.config.profiles import ProfileRules as ProfileRules
from workers.config.reminders import ReminderRules as ReminderRules

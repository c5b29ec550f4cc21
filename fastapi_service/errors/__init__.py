"""The errors that clients see, by area. Codes are stable and listed in docs/protocol.md; the texts may change."""

from fastapi_service.errors.access import *
from fastapi_service.errors.audio import *
from fastapi_service.errors.conversations import *
from fastapi_service.errors.deepgram import *
from fastapi_service.errors.files import *
from fastapi_service.errors.handshakes import *
from fastapi_service.errors.http import *
from fastapi_service.errors.limits import *
from fastapi_service.errors.messages import *
from fastapi_service.errors.rest import *
from fastapi_service.errors.rooms import *
from fastapi_service.errors.sessions import *
from fastapi_service.errors.store import *
from fastapi_service.errors.twilio import *

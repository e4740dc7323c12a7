"""What is wrong with images: their documents, their blobs, and the files that hold them."""

from ocilayout.verify.verification import Verification as Verification
from ocilayout.verify.verification import find_problems as find_problems

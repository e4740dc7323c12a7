"""What is wrong with images: their documents, their blobs, and the files that hold them."""

from ocilayout.verify.verification import MAX_OF_A_KIND as MAX_OF_A_KIND
from ocilayout.verify.verification import Verification as Verification
from ocilayout.verify.verification import find_problems as find_problems

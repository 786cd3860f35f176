"""What a photograph says about the person in it: where the head is, its outline, and the colours worn.

Nothing here knows how an avatar is drawn. Every answer is a guess that stays usable when the photograph holds no
person at all: a cat, a car or a plain wall gives the middle of the picture as its "head".
"""

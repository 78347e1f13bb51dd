/** What the contract suite needs of a backend, and how it declares its tests. */
import type { Store } from '#controller/store/store.ts';

/** An empty database of a test's own; it goes when the fixture is disposed of. */
export interface StoreFixture extends AsyncDisposable {
  /** Opens the store in this database; again only after the one before was disposed of. */
  open(): Promise<Store>;
  /** Arguments with which this Node.js runs crash-writer.ts on this database. */
  readonly crashWriter: readonly string[];
}

/** Declares a test with an open store on an empty database. */
export type StoreTest = (name: string, body: (store: Store, fixture: StoreFixture) => Promise<void>) => void;
